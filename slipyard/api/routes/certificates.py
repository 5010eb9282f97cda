"""Certificates of an app's names: those that are brought, and those that visitors are seen to get."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.views.certificate_view import certificate_view
from slipyard.domain.host_name import parse_host_name
from slipyard.domain.schemas.certificate_shapes import BringCertificate, CertificateList, CertificateView
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.context import Context
from slipyard.pipeline.hosts.certificates import bring_certificate, drop_certificate, hosts_with_certificates
from slipyard.store.queries.certificates import certificates_at
from slipyard.store.tables import App, HostCertificate

router = APIRouter(prefix="/apps/{app}/certificates", tags=["domains"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")
Host = Annotated[str, Path(max_length=300, description="A name of the app; administrators also the given one")]


@router.get("", dependencies=[READ])
async def certificates(app: AppDep, context: ContextDep) -> CertificateList:
    """By name: who makes each, until when it is good, and why there is none."""
    hosts, rows = await context.database.reading(lambda session: _of(session, app))
    shown = [host for host in hosts if host in rows or host not in hosts[-2:]]
    views = await asyncio.to_thread(_views, context, shown, rows)
    return CertificateList(certificates=views, total=len(views))


@router.get("/{host}", dependencies=[READ])
async def read(host: Host, app: AppDep, context: ContextDep) -> CertificateView:
    """Of one name, whether or not one was brought."""
    name = parse_host_name(host, "host")
    _, rows = await context.database.reading(lambda session: _of(session, app))
    return (await asyncio.to_thread(_views, context, [name], rows))[0]


@router.put("/{host}", dependencies=[WRITE])
async def bring(
    host: Host, body: BringCertificate, app: AppDep, context: ContextDep, actor: ActorDep
) -> CertificateView:
    """Served at once, in place of any other; connections that are open stay. 422 says what is wrong with it."""
    row = await bring_certificate(context, app.id, host, body.chain, body.key, actor)
    return (await asyncio.to_thread(_views, context, [row.host], {row.host: row}))[0]


@router.delete("/{host}", dependencies=[WRITE])
async def remove(host: Host, app: AppDep, context: ContextDep, actor: ActorDep) -> Done:
    """Takes away the one that was brought; from then on the host gets what Slipyard makes, where it makes any."""
    name = await drop_certificate(context, app.id, host, actor)
    return Done(message=f"The certificate that was brought for {name} is removed.")


def _of(session: Session, app: App) -> tuple[list[str], dict[str, HostCertificate]]:
    hosts = hosts_with_certificates(session, app)
    return hosts, certificates_at(session, hosts)


def _views(context: Context, hosts: list[str], rows: dict[str, HostCertificate]) -> list[CertificateView]:
    return [certificate_view(context.settings, context.cipher, host, rows.get(host)) for host in hosts]
