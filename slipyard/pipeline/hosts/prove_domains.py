"""Names whose proof is missing are looked at again, often at first; a name that is proved answers."""

from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Unavailable
from slipyard.pipeline.context import Context
from slipyard.pipeline.hosts.proof import needs_proof, proof_fault, record_line
from slipyard.pipeline.hosts.publish_hosts import try_to_publish_hosts
from slipyard.store.events import lock_app, record
from slipyard.store.queries.domains import find_domain, pending_domains
from slipyard.store.tables import App, Domain

_SOONEST, _LATEST = timedelta(seconds=20), timedelta(hours=1)
_TENTH = 10
_log = structlog.get_logger()


async def prove_domains(context: Context) -> None:
    """One pass over the names that are due."""
    now = context.clock.now()
    rows = await context.database.reading(pending_domains)
    proved = [await _look(context, row) for row in rows if _is_due(row, now)]
    if any(proved):
        await try_to_publish_hosts(context)


async def verify_domain(context: Context, app_id: str, named: str, actor: Actor) -> Domain:
    """Looks now, whenever it is due. `Unavailable` where no name server answers."""
    row = await context.database.reading(lambda session: find_domain(session, session.get_one(App, app_id), named))
    if row.verified_at is None and await _keep_look(context, row, await _fault(context, row), actor.name):
        await try_to_publish_hosts(context)
    return await context.database.reading(lambda session: session.get_one(Domain, row.id))


def _is_due(row: Domain, now: datetime) -> bool:
    """Whoever has waited long will wait longer."""
    if row.proof_checked_at is None:
        return True
    age = row.proof_checked_at - row.created_at
    return now - row.proof_checked_at >= min(max(age / _TENTH, _SOONEST), _LATEST)


async def _look(context: Context, row: Domain) -> bool:
    try:
        fault = await _fault(context, row)
    except Unavailable as error:
        fault = error.message
    return await _keep_look(context, row, fault, "Slipyard")


async def _fault(context: Context, row: Domain) -> str | None:
    """None where the proof is there, or where nobody asks for one any more."""
    return await proof_fault(context, row.host, row.proof) if needs_proof(context, row.host) else None


async def _keep_look(context: Context, row: Domain, fault: str | None, who: str) -> bool:
    """Whether the name answers from now on."""

    def write(session: Session) -> bool:
        lock_app(session, row.app_id)
        held = session.get(Domain, row.id)
        if held is None or held.verified_at is not None:
            return False
        now = context.clock.now()
        held.proof_checked_at, held.proof_error = now, fault
        if fault is None:
            held.verified_at = now
            message = f"{who} found the proof of {held.host} ({record_line(held)}): the app answers there."
            record(session, held.app_id, "app.domains", message, now=now, domain=held.host)
        session.add(held)
        return fault is None

    proved = await context.database.writing(write)
    _log.info("domain_looked_at", domain=row.host, proved=proved)
    return proved
