"""Names of its own that an app answers at: added, changed, given up."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.host_name import parse_path_prefix
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.hosts.claim_domain import (
    NewDomain,
    claim_domain,
    look_for_proofs,
    place,
    redirect_target,
    release_domain,
    taken,
    tell_domains,
)
from slipyard.pipeline.hosts.publish_hosts import try_to_publish_hosts
from slipyard.pipeline.plans import refuse_more_domains
from slipyard.store.queries.domains import find_domain
from slipyard.store.tables import Domain


async def add_domain(context: Context, app_id: str, new: NewDomain, actor: Actor) -> Domain:
    """The app answers there when this returns, unless a proof is missing or the router is away. `Conflict` where somebody
    has it."""
    claims = new.claims
    faults = await look_for_proofs(context, app_id, [each.domain for each in claims])

    def claim(session: Session) -> Domain:
        refuse_more_domains(session, context, app_id, len(claims))
        rows = [claim_domain(session, context, app_id, each, faults, actor) for each in claims]
        return rows[-1]

    row = await _writing(context, claim)
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
        row.redirect_to = redirect_target(row.redirect_to, row.host)
        session.add(row)
        session.flush()
        tell_domains(session, context, app, f"{actor.name} changed the domain {place(row)}.")
        return row

    row = await _writing(context, change)
    await try_to_publish_hosts(context)
    return row


async def remove_domain(context: Context, app_id: str, named: str, actor: Actor) -> Domain:
    def remove(session: Session) -> Domain:
        app = changeable_app(session, app_id)
        row = find_domain(session, app, named)
        release_domain(session, row)
        tell_domains(session, context, app, f"{actor.name} removed the domain {place(row)}.")
        return row

    row = await context.database.writing(remove)
    await try_to_publish_hosts(context)
    return row


async def _writing(context: Context, write: Callable[[Session], Domain]) -> Domain:
    try:
        return await context.database.writing(write)
    except IntegrityError as error:  # two at once, or a path that another one has
        raise taken("This name with this path") from error
