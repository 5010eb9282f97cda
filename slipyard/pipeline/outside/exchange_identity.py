"""The identity token of a CI job becomes a token that deploys one app for a quarter of an hour."""

import asyncio
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from slipyard.clients.identity_issuer import IssuerKeys, Key
from slipyard.domain.actor import JOB
from slipyard.domain.ci_identity import CiJob, is_trusted, job_of, read_unverified
from slipyard.domain.errors import FieldProblem, InsufficientScope, Unauthorized, ValidationFailed
from slipyard.pipeline.context import Context
from slipyard.pipeline.outside.bind_repository import bind_repository
from slipyard.store.events import record
from slipyard.store.queries.ci_trusts import trusts_in
from slipyard.store.tables import App, CiTrust
from slipyard.store.tokens import new_token

LIFETIME = timedelta(minutes=15)
SCOPES = ("apps:deploy",)
Verify = Callable[[str, Key, str], dict[str, Any]]


@dataclass(frozen=True)
class Exchanged:
    app: App
    expires_at: datetime
    secret: str = field(repr=False)


async def exchange_identity(context: Context, keys: IssuerKeys, token: str, wanted: str | None) -> Exchanged:
    """`wanted`: id or slug of the app, needed where the job may deploy several.

    `Unauthorized` for a token that is not good, `InsufficientScope` where nobody trusts its job. Nothing is fetched for
    an issuer that no app trusts, and nothing is told of apps before the signature is known to be good.
    """
    claimed = read_unverified(token)
    if not await context.database.reading(lambda session: trusts_in(session, claimed.issuer)):
        raise Unauthorized(
            "No app here trusts the issuer of this identity token. `slipyard ci-trust add` makes one do so."
        )
    key = await keys.key(claimed.issuer, claimed.key_id)
    job = job_of(await asyncio.to_thread(_verified, token, key, claimed.issuer))
    return await context.database.writing(lambda session: _exchange(session, context, job, wanted))


def _verified(token: str, key: Key, issuer: str) -> dict[str, Any]:
    """In a thread, and loaded by the first token: see the module that it is in."""
    verify: Verify = pkgutil.resolve_name("slipyard.clients.identity_token:verified_claims")
    return verify(token, key, issuer)


def _exchange(session: Session, context: Context, job: CiJob, wanted: str | None) -> Exchanged:
    now = context.clock.now()
    app = _chosen(_trusting(session, job), wanted)
    bind_repository(session, context, app, job)
    token, secret = new_token(
        session, app.organization_id, job.name, SCOPES, now, expires_at=now + LIFETIME, app_id=app.id
    )
    token.person = f"{JOB}{job.repository}"
    message = f"A CI job of {job.repository} at {job.ref} may deploy for {LIFETIME.seconds // 60} minutes."
    record(session, app.id, "ci.exchanged", message, now=now, token_id=token.id, run=job.run)
    return Exchanged(app, now + LIFETIME, secret)


def _trusting(session: Session, job: CiJob) -> list[App]:
    known = trusts_in(session, job.issuer)
    apps = {app.id: app for trust, app in known if is_trusted(job, trust.repository, trust.ref, trust.audience)}
    if not apps:
        raise InsufficientScope(_why_nobody([trust for trust, _ in known], job))
    return list(apps.values())


def _why_nobody(trusts: list[CiTrust], job: CiJob) -> str:
    """Told to somebody who has proved to be this very job."""
    of_repository = [each for each in trusts if each.repository.casefold() == job.repository.casefold()]
    if not of_repository:
        return f"No app here trusts CI jobs of {job.repository}: `slipyard ci-trust add {job.repository} --app ...`."
    if all(each.audience != job.audience for each in of_repository):
        wanted = ", ".join(sorted({each.audience for each in of_repository}))
        return f"This identity token is for {job.audience}; ask the CI for one with the audience {wanted}."
    refs = ", ".join(sorted({each.ref for each in of_repository}))
    return f"CI jobs of {job.repository} may deploy from {refs}, and this one runs at {job.ref}."


def _chosen(apps: list[App], wanted: str | None) -> App:
    named = [app for app in apps if wanted in {None, app.id, app.slug}]
    if len(named) == 1:
        return named[0]
    slugs = ", ".join(sorted(app.slug for app in apps))
    if not named:
        raise InsufficientScope(f"This CI job may deploy {slugs}, and not {wanted}.")
    raise ValidationFailed(
        f"This CI job may deploy several apps: {slugs}. Say which in `app`.", details=[FieldProblem("app", "required")]
    )
