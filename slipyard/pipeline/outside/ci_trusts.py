"""A CI job is trusted to deploy an app, or not any more."""

from dataclasses import dataclass

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.ci_identity import ISSUERS
from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.ids import new_id
from slipyard.domain.outside_url import parse_outside_url
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import configurable_app
from slipyard.store.events import record
from slipyard.store.queries.ci_trusts import find_trust, trusts_of
from slipyard.store.tables import CiTrust


@dataclass(frozen=True)
class NewTrust:
    """`provider` names a well-known issuer; `ref` None is the app's own branch, `audience` None our public URL."""

    repository: str
    provider: str | None = None
    issuer: str | None = None
    ref: str | None = None
    audience: str | None = None


async def add_ci_trust(context: Context, app_id: str, new: NewTrust, actor: Actor) -> CiTrust:
    """The same again is the one that there is."""
    issuer = new.issuer or ISSUERS.get(new.provider or "")
    if not issuer or (new.issuer and new.provider):
        raise ValidationFailed(
            f"Name the issuer of the identity tokens once: provider {' or '.join(ISSUERS)}, or the URL of your own.",
            details=[FieldProblem("issuer", "required")],
        )
    parse_outside_url(issuer, context.settings.allowed_networks)

    def write(session: Session) -> CiTrust:
        app = configurable_app(session, app_id)
        row = CiTrust(
            id=new_id("cit"),
            app_id=app_id,
            issuer=issuer,
            repository=new.repository,
            ref=new.ref or f"refs/heads/{app.config.source.branch}",
            audience=new.audience or context.settings.api_url,
            created_at=context.clock.now(),
        )
        same = [each for each in trusts_of(session, app_id) if _terms(each) == _terms(row)]
        if same:
            return same[0]
        session.add(row)
        message = f"{actor.name} trusts CI jobs of {row.repository} at {row.ref} to deploy."
        record(session, app_id, "ci_trust.added", message, now=row.created_at)
        return row

    return await context.database.writing(write)


async def remove_ci_trust(context: Context, app_id: str, trust_id: str, actor: Actor) -> CiTrust:
    """Tokens that were exchanged before are good until they expire, 15 minutes at the most."""

    def remove(session: Session) -> CiTrust:
        row = find_trust(session, app_id, trust_id)
        session.delete(row)
        message = f"{actor.name} trusts CI jobs of {row.repository} at {row.ref} no more."
        record(session, app_id, "ci_trust.removed", message, now=context.clock.now())
        return row

    return await context.database.writing(remove)


def _terms(row: CiTrust) -> tuple[str, str, str, str]:
    return row.issuer, row.repository, row.ref, row.audience
