"""Names of its own that an app answers at: claimed, changed, given up."""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, FieldProblem, InsufficientScope, ValidationFailed
from slipyard.domain.host_name import parse_host_name, parse_path_prefix, wildcard_above
from slipyard.domain.ids import new_id
from slipyard.domain.settings import Settings
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.hosts.publish_hosts import try_to_publish_hosts
from slipyard.store.events import record
from slipyard.store.queries.apps import is_given_host
from slipyard.store.queries.domains import domains_at, find_domain, forget_certificates
from slipyard.store.tables import App, Domain


@dataclass(frozen=True)
class NewDomain:
    """`strip_prefix`: the app is asked without `path`. `redirect_to`: visitors are sent to that host, with path and query."""

    domain: str
    path: str = "/"
    strip_prefix: bool = False
    redirect_to: str | None = None
    redirect_status: int = 308


async def add_domain(context: Context, app_id: str, new: NewDomain, actor: Actor) -> Domain:
    """The app answers there when this returns, unless the router is away. `Conflict` where somebody has it."""
    row = await _writing(context, lambda session: claim_domain(session, context, app_id, new, actor))
    await try_to_publish_hosts(context)
    return row


async def change_domain(context: Context, app_id: str, named: str, changes: dict[str, Any], actor: Actor) -> Domain:
    """`changes`: path, strip_prefix, redirect_to (None ends it), redirect_status."""

    def change(session: Session) -> Domain:
        app = changeable_app(session, app_id)
        row = find_domain(session, app, named)
        if "path" in changes:
            changes["path"] = parse_path_prefix(changes["path"])
        for name, value in changes.items():
            setattr(row, name, value)
        row.redirect_to = _target(row.redirect_to, row.host)
        session.add(row)
        session.flush()
        _tell(session, context, app, f"{actor.name} changed the domain {place(row)}.")
        return row

    row = await _writing(context, change)
    await try_to_publish_hosts(context)
    return row


async def remove_domain(context: Context, app_id: str, named: str, actor: Actor) -> Domain:
    def remove(session: Session) -> Domain:
        app = changeable_app(session, app_id)
        row = find_domain(session, app, named)
        release_domain(session, row)
        _tell(session, context, app, f"{actor.name} removed the domain {place(row)}.")
        return row

    row = await context.database.writing(remove)
    await try_to_publish_hosts(context)
    return row


def claim_domain(session: Session, context: Context, app_id: str, new: NewDomain, actor: Actor) -> Domain:
    host, app = parse_host_name(new.domain), changeable_app(session, app_id)
    if app.parent_id is not None:
        raise Conflict(f"{app.slug} is a preview, which goes with its request. Add the domain to an app of its own.")
    _refuse_own_domain(context.settings, host, actor)
    _refuse_taken(session, app, host, actor)
    row = Domain(
        id=new_id("dom"),
        app_id=app.id,
        organization_id=app.organization_id,
        host=host,
        path=parse_path_prefix(new.path),
        strip_prefix=new.strip_prefix,
        redirect_to=_target(new.redirect_to, host),
        redirect_status=new.redirect_status,
        proof=secrets.token_urlsafe(24),
        created_by=actor.name,
        created_at=context.clock.now(),
    )
    _refuse_same_place(session, row)
    session.add(row)
    session.flush()
    _tell(session, context, app, f"{actor.name} added the domain {place(row)}.")
    return row


def release_domain(session: Session, row: Domain) -> None:
    session.delete(row)
    forget_certificates(session, {row.host})


def place(row: Domain) -> str:
    return row.host if row.path == "/" else f"{row.host}{row.path}"


async def _writing(context: Context, write: Any) -> Domain:
    try:
        row: Domain = await context.database.writing(write)
    except IntegrityError as error:  # two at once, or a path that another one has
        raise _taken("This name with this path") from error
    return row


def _tell(session: Session, context: Context, app: App, message: str) -> None:
    record(session, app.id, "app.domains", message, now=context.clock.now())


def _target(given: str | None, host: str) -> str | None:
    if given is None:
        return None
    target = parse_host_name(given, "redirect_to")
    if target == host or target.startswith("*"):
        raise ValidationFailed(
            f"{host} cannot be redirected to {target}: give the one name that visitors shall see.",
            details=[FieldProblem("redirect_to", "must be another host")],
        )
    return target


def _refuse_own_domain(settings: Settings, host: str, actor: Actor) -> None:
    """Names there are given to apps by their slugs, for every organization alike."""
    inside = host == settings.domain or host.endswith(f".{settings.domain}")
    if inside and not actor.may("admin"):
        raise InsufficientScope(
            f"{host} lies in {settings.domain}, where Slipyard names the apps itself. Choose a name of your own, or ask an"
            " administrator to add this one."
        )


def _refuse_taken(session: Session, app: App, host: str, actor: Actor) -> None:
    """A name may be shared, path by path, by apps of one organization that the asker may all see."""
    if is_given_host(session, host):
        raise _taken(host)
    for row in domains_at(session, [host, wildcard_above(host)]):
        stranger = row.organization_id != app.organization_id
        if stranger or (row.host == host and not actor.sees(row.app_id)):
            raise _taken(host)


def _refuse_same_place(session: Session, new: Domain) -> None:
    for row in domains_at(session, [new.host]):
        if row.path == new.path:
            raise _taken(place(new) if row.app_id != new.app_id else f"{place(new)} of this app")


def _taken(what: str) -> Conflict:
    return Conflict(
        f"{what} leads to an app already. Remove it there first, or add another name or path.",
        details=[FieldProblem("domain", "already taken")],
    )
