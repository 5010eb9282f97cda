"""A name of its own for an app: whose it may be, and whether that was shown."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, FieldProblem, InsufficientScope, Unavailable, ValidationFailed
from slipyard.domain.host_name import WILDCARD, parse_host_name, parse_path_prefix, wildcard_above
from slipyard.domain.ids import new_id
from slipyard.domain.settings import Settings
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.hosts.proof import challenge_name, needs_proof, proof_fault, proof_for, record_line
from slipyard.store.events import record
from slipyard.store.queries.apps import is_given_host
from slipyard.store.queries.domains import domains_at, forget_certificates
from slipyard.store.tables import App, Domain

_WWW = "www."


@dataclass(frozen=True)
class NewDomain:
    """`strip_prefix`: the app is asked without `path`. `redirect_to`: visitors are sent to that host, with path and query.
    `www`: with `www.` in front, or without where it has one, the name is added too, and sends visitors to this one."""

    domain: str
    path: str = "/"
    strip_prefix: bool = False
    redirect_to: str | None = None
    redirect_status: int = 308
    www: bool = False

    @property
    def claims(self) -> list["NewDomain"]:
        """Each name by itself, this one last: what a repeated request is answered."""
        host = parse_host_name(self.domain)
        this = replace(self, domain=host, www=False)
        return [NewDomain(_other_of(host, self), redirect_to=host), this] if self.www else [this]


Faults = Mapping[str, str | None]
"""By host, of those that need a proof: why it is missing, None where it is there."""


async def look_for_proofs(context: Context, app_id: str, hosts: list[str]) -> Faults:
    """Before the transaction, since DNS may take seconds."""
    needed = [host for host in hosts if needs_proof(context, host)]
    if not needed:
        return {}
    app = await context.database.reading(lambda session: session.get_one(App, app_id))
    return {host: await _fault(context, host, proof_for(context, app.organization_id, host)) for host in needed}


async def _fault(context: Context, host: str, proof: str) -> str | None:
    try:
        return await proof_fault(context, host, proof)
    except Unavailable as error:
        return error.message


def claim_domain(
    session: Session, context: Context, app_id: str, new: NewDomain, faults: Faults, actor: Actor
) -> Domain:
    host, app = parse_host_name(new.domain), changeable_app(session, app_id)
    if app.parent_id is not None:
        raise Conflict(f"{app.slug} is a preview, which goes with its request. Add the domain to an app of its own.")
    _refuse_own_domain(context.settings, host, actor)
    row = _row(context, app, host, new, actor)
    row.proof_error = faults.get(host)
    row.verified_at = None if host in faults and row.proof_error is not None else row.created_at
    if host in faults:
        row.proof_checked_at = row.created_at
    _refuse_taken(session, context, app, row, actor)
    _refuse_same_place(session, row)
    session.add(row)
    session.flush()
    answers = "" if row.verified_at else f" It answers once DNS says {record_line(row)}."
    tell_domains(session, context, app, f"{actor.name} added the domain {place(row)}.{answers}")
    return row


def _row(context: Context, app: App, host: str, new: NewDomain, actor: Actor) -> Domain:
    return Domain(
        id=new_id("dom"),
        app_id=app.id,
        organization_id=app.organization_id,
        host=host,
        path=parse_path_prefix(new.path),
        strip_prefix=new.strip_prefix,
        redirect_to=redirect_target(new.redirect_to, host),
        redirect_status=new.redirect_status,
        proof=proof_for(context, app.organization_id, host),
        created_by=actor.name,
        created_at=context.clock.now(),
    )


def release_domain(session: Session, row: Domain) -> None:
    session.delete(row)
    forget_certificates(session, {row.host})


def place(row: Domain) -> str:
    return row.host if row.path == "/" else f"{row.host}{row.path}"


def tell_domains(session: Session, context: Context, app: App, message: str) -> None:
    record(session, app.id, "app.domains", message, now=context.clock.now())


def redirect_target(given: str | None, host: str) -> str | None:
    if given is None:
        return None
    target = parse_host_name(given, "redirect_to")
    if target == host or target.startswith("*"):
        raise ValidationFailed(
            f"{host} cannot be redirected to {target}: give the one name that visitors shall see.",
            details=[FieldProblem("redirect_to", "must be another host")],
        )
    return target


def _other_of(host: str, new: NewDomain) -> str:
    if host.startswith(WILDCARD) or new.path.strip("/"):
        raise ValidationFailed(
            "`www` is about a whole name, such as example.com: give one without a path and without a wildcard.",
            details=[FieldProblem("www", "needs a name without a path")],
        )
    return host.removeprefix(_WWW) if host.startswith(_WWW) else f"{_WWW}{host}"


def _refuse_own_domain(settings: Settings, host: str, actor: Actor) -> None:
    """Names there are given to apps by their slugs, for every organization alike."""
    inside = host == settings.domain or host.endswith(f".{settings.domain}")
    if inside and not actor.may("admin"):
        raise InsufficientScope(
            f"{host} lies in {settings.domain}, where Slipyard names the apps itself. Choose a name of your own, or ask an"
            " administrator to add this one."
        )


def _refuse_taken(session: Session, context: Context, app: App, new: Domain, actor: Actor) -> None:
    """A name may be shared, path by path, by apps of one organization that the asker may all see. Whoever only asked for
    a name, and never showed that it is his, goes before one who did."""
    if is_given_host(session, new.host):
        raise taken(new.host)
    for row in domains_at(session, [new.host, wildcard_above(new.host)]):
        stranger = row.organization_id != app.organization_id
        if stranger and row.verified_at is None:
            if row.host == new.host:
                _displace(session, context, row, new)
        elif stranger or (row.host == new.host and not actor.sees(row.app_id)):
            raise taken(new.host)


def _displace(session: Session, context: Context, pending: Domain, new: Domain) -> None:
    if new.verified_at is None:
        raise Conflict(
            f"{new.host} is asked for by others, who did not prove that it is theirs yet. If it is yours, let DNS say"
            f" {record_line(new)} and add it again.",
            details=[FieldProblem("domain", "already taken")],
        )
    theirs = session.get_one(App, pending.app_id)
    release_domain(session, pending)
    session.flush()
    tell_domains(
        session,
        context,
        theirs,
        f"The domain {place(pending)} is gone: others proved at {challenge_name(new.host)} that it is theirs.",
    )


def _refuse_same_place(session: Session, new: Domain) -> None:
    for row in domains_at(session, [new.host]):
        if row.path == new.path:
            raise taken(place(new) if row.app_id != new.app_id else f"{place(new)} of this app")


def taken(what: str) -> Conflict:
    return Conflict(
        f"{what} leads to an app already. Remove it there first, or add another name or path.",
        details=[FieldProblem("domain", "already taken")],
    )
