"""What visitors of each name are shown is looked at and written down: who signed it, until when it is good, or why not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from sqlmodel import Session, col, select

from slipyard.clients.served_certificate import served_certificate
from slipyard.domain.errors import Unavailable
from slipyard.domain.host_name import WILDCARD
from slipyard.domain.own_certificate import certifies, facts_of
from slipyard.pipeline.context import Context
from slipyard.store.queries.domains import all_domains
from slipyard.store.tables import HostCertificate

_HERE = "127.0.0.1"
_ASKED_BELOW = "slipyard-looks."  # a name below a wildcard, which is shown the wildcard's certificate
_WELL, _ILL = timedelta(hours=6), timedelta(hours=1)  # an authority may be asked five times an hour for a name in vain
_AT_ONCE, _IN_ONE_PASS = 4, 40


@dataclass(frozen=True)
class Seen:
    host: str
    organization_id: str
    issuer: str | None = None
    not_after: datetime | None = None
    error: str | None = None


async def observe_certificates(context: Context) -> None:
    """One pass over the names that are due, those never looked at first."""
    if context.settings.tls == "off":
        return
    due = await context.database.reading(lambda session: _due(session, context))
    gate = asyncio.Semaphore(_AT_ONCE)
    seen = await asyncio.gather(*(_look(context, gate, host, owner) for host, owner in due[:_IN_ONE_PASS]))
    if seen:
        await context.database.writing(lambda session: _keep(session, context, seen))


def _due(session: Session, context: Context) -> list[tuple[str, str]]:
    """Hosts with their organizations. A wildcard where nothing is made for it, as long as nobody brought one, is not."""
    rows = {row.host: row for row in session.exec(select(HostCertificate))}
    owners = {row.host: row.organization_id for row in all_domains(session)}
    owners |= {host: row.organization_id for host, row in rows.items() if row.chain is not None}
    now, nothing = context.clock.now(), HostCertificate(host="", organization_id="")
    looked = {
        host: rows.get(host, nothing)
        for host in owners
        if not host.startswith(WILDCARD) or rows.get(host, nothing).chain or context.settings.acme_dns
    }
    due = [host for host, row in looked.items() if _is_due(row, now)]
    due.sort(key=lambda host: (looked[host].checked_at is not None, looked[host].checked_at or now))
    return [(host, owners[host]) for host in due]


def _is_due(row: HostCertificate, now: datetime) -> bool:
    wait = _ILL if row.last_error is not None else _WELL
    return row.checked_at is None or now - row.checked_at >= wait


async def _look(context: Context, gate: asyncio.Semaphore, host: str, organization_id: str) -> Seen:
    asked = host.replace(WILDCARD, _ASKED_BELOW, 1)
    async with gate:
        try:
            shown = await served_certificate(asked, _HERE, context.settings.https_port)
            facts = facts_of(x509.load_der_x509_certificate(shown))
        except (Unavailable, ValueError) as error:
            return Seen(host, organization_id, error=str(error))
    if not certifies(facts.names, asked):
        sentence = f"Visitors of {host} are shown a certificate for {', '.join(facts.names[:5]) or 'no name'}."
        return Seen(host, organization_id, facts.issuer, facts.not_after, sentence)
    return Seen(host, organization_id, facts.issuer, facts.not_after)


def _keep(session: Session, context: Context, seen: Sequence[Seen]) -> None:
    """Not of names that were given up meanwhile."""
    owned = {row.host for row in all_domains(session)}
    rows = session.exec(select(HostCertificate).where(col(HostCertificate.host).in_([each.host for each in seen])))
    held = {row.host: row for row in rows}
    for each in seen:
        if each.host not in owned and each.host not in held:
            continue
        row = held.get(each.host) or HostCertificate(host=each.host, organization_id=each.organization_id)
        row.issuer, row.not_after, row.last_error = each.issuer, each.not_after, each.error
        row.checked_at = context.clock.now()
        session.add(row)
