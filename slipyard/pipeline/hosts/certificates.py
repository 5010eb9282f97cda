"""Certificates that owners of names bring: checked, sealed, served, taken away."""

import asyncio

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, NotFound
from slipyard.domain.host_name import parse_host_name, wildcard_above
from slipyard.domain.own_certificate import CertificateFacts, check_certificate
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.hosts.publish_hosts import try_to_publish_hosts
from slipyard.store.events import record
from slipyard.store.queries.domains import domains_of
from slipyard.store.tables import App, HostCertificate

EVENT = "app.certificates"


async def bring_certificate(
    context: Context, app_id: str, named: str, chain: str, key: str, actor: Actor
) -> HostCertificate:
    """Visitors get it when this returns, unless the router is away; connections that are open stay."""
    host = parse_host_name(named, "host")
    await context.database.reading(
        lambda session: _refuse_others_host(session, session.get_one(App, app_id), host, actor)
    )
    facts = await asyncio.to_thread(check_certificate, chain, key, host, context.clock.now())

    def write(session: Session) -> HostCertificate:
        app = changeable_app(session, app_id)
        _refuse_others_host(session, app, host, actor)
        row = session.get(HostCertificate, host) or HostCertificate(host=host, organization_id=app.organization_id)
        replaced = row.chain is not None
        row.chain, row.key_encrypted, row.uploaded_at = chain, context.cipher.encrypt(key.encode()), context.clock.now()
        _to_be_looked_at(session, row)
        _tell(session, context, app, _brought(host, facts, actor, replaced=replaced))
        return row

    row = await context.database.writing(write)
    await try_to_publish_hosts(context)
    return row


async def drop_certificate(context: Context, app_id: str, named: str, actor: Actor) -> str:
    """The host. Its visitors get what Slipyard makes from now on, where it makes any."""
    host = parse_host_name(named, "host")

    def write(session: Session) -> str:
        app = changeable_app(session, app_id)
        _refuse_others_host(session, app, host, actor)
        row = session.get(HostCertificate, host)
        if row is None or row.chain is None:
            raise NotFound(f"No certificate was brought for {host}. `slipyard certificates list` shows what there is.")
        row.chain, row.key_encrypted, row.uploaded_at = None, None, None
        _to_be_looked_at(session, row)
        _tell(session, context, app, f"{actor.name} removed the certificate that was brought for {host}.")
        return host

    host = await context.database.writing(write)
    await try_to_publish_hosts(context)
    return host


def hosts_with_certificates(session: Session, app: App) -> list[str]:
    """Its own names, then the one that it was given and the wildcard above that, where a certificate may be brought too."""
    own = sorted({row.host for row in domains_of(session, app.id)})
    return [*own, app.host, wildcard_above(app.host)]


def _refuse_others_host(session: Session, app: App, host: str, actor: Actor) -> None:
    own = [row for row in domains_of(session, app.id) if row.host == host]
    given = host in {app.host, wildcard_above(app.host)} and actor.may("admin")
    if not own and not given:
        raise NotFound(f"{app.slug} has no name {host}. Add it first: `slipyard domains add {app.slug} {host}`.")
    if own and all(row.verified_at is None for row in own):
        raise Conflict(
            f"The proof of {host} is missing, so nobody is served there. Prove it first: `slipyard domains`."
        )


def _to_be_looked_at(session: Session, row: HostCertificate) -> None:
    """What was seen was another one."""
    row.issuer, row.not_after, row.last_error, row.checked_at = None, None, None, None
    session.add(row)
    session.flush()


def _brought(host: str, facts: CertificateFacts, actor: Actor, *, replaced: bool) -> str:
    verb = "replaced the certificate" if replaced else "brought a certificate"
    return f"{actor.name} {verb} for {host}: by {facts.issuer}, good until {facts.not_after:%Y-%m-%d}."


def _tell(session: Session, context: Context, app: App, message: str) -> None:
    record(session, app.id, EVENT, message, now=context.clock.now())
