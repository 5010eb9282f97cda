"""Traffic by files and Caddy: a switch is a rename, and mostly so is a host that comes or goes."""

import asyncio
from collections.abc import Sequence

from slipyard.clients.caddy import CaddyAdmin
from slipyard.deployer.access_log import ACCESS_LOG
from slipyard.deployer.caddy_config import caddy_config
from slipyard.deployer.caddy_dns import dns_provider
from slipyard.deployer.caddy_editions import Editions
from slipyard.deployer.caddy_shape import AcmeShape, CaddyShape
from slipyard.deployer.certificate_files import CertificateFiles, NameFiles
from slipyard.deployer.router import OwnCertificate, Route, RoutedHost
from slipyard.deployer.routes import Routes
from slipyard.domain.errors import ValidationFailed
from slipyard.domain.host_name import parse_host_name, parse_path_prefix
from slipyard.domain.layout import Layout
from slipyard.domain.network_rules import check_host
from slipyard.domain.settings import Settings


class CaddyRouter:
    def __init__(self, admin: CaddyAdmin, shape: CaddyShape) -> None:
        self._admin = admin
        self._shape = shape
        self._routes = Routes(shape.routes)
        self._editions = Editions(shape.routes, shape.spares)
        self._names = NameFiles(shape.names)
        self._certificates = CertificateFiles(shape.certificates)

    async def switch(self, route: Route) -> None:
        await asyncio.to_thread(self._routes.switch, route)

    async def current(self, app_id: str) -> Route | None:
        return await asyncio.to_thread(self._routes.current, app_id)

    async def publish(self, hosts: Sequence[RoutedHost], certificates: Sequence[OwnCertificate] = ()) -> None:
        """Mostly files: Caddy is given a new edition where the one that it runs has no room, or was made from other
        settings. Call it under a lock across processes."""
        _check_hosts(hosts)
        names = [routed.host for routed in hosts]
        await asyncio.to_thread(self._names.add, names)
        await self._fit_or_load(hosts, await asyncio.to_thread(self._certificates.write, certificates))
        await asyncio.to_thread(self._names.keep, names)

    async def _fit_or_load(self, hosts: Sequence[RoutedHost], certificates: Sequence[str]) -> None:
        known = await self._admin.config()
        orders = {"admin": known.get("admin", {})}
        newest = await asyncio.to_thread(self._editions.newest)
        runs = newest is not None and known == {**orders, **caddy_config(newest, self._shape)}
        if newest is not None and runs and await asyncio.to_thread(self._editions.fit, newest, hosts, certificates):
            return
        edition = await asyncio.to_thread(self._editions.issue, hosts, certificates)
        await self._admin.load({**orders, **caddy_config(edition, self._shape)})
        await asyncio.to_thread(self._editions.prune, edition)
        await asyncio.to_thread(self._certificates.keep, certificates)

    async def forget(self, app_id: str) -> None:
        await asyncio.to_thread(self._routes.forget, app_id)

    async def in_flight(self, addresses: Sequence[str]) -> int:
        counts = await self._admin.in_flight()
        return sum(counts.get(address, 0) for address in addresses)


def caddy_shape(settings: Settings, layout: Layout) -> CaddyShape:
    return CaddyShape(
        routes=layout.routes,
        http_port=settings.http_port,
        https_port=settings.https_port,
        tls=settings.tls,
        access_log=layout.logs / ACCESS_LOG,
        inherited=settings.caddy_admin is None,
        acme=AcmeShape(settings.acme_directory, settings.acme_email, settings.acme_roots, dns_provider(settings)),
    )


def _check_hosts(hosts: Sequence[RoutedHost]) -> None:
    """Names and paths become files, and parts of a configuration in which braces mean something."""
    seen: dict[tuple[str, str], str] = {}
    for routed in hosts:
        plain = routed.host.removeprefix("*.")
        if check_host(plain) != plain:
            raise ValidationFailed(f"{routed.host!r} cannot be routed: write it as {check_host(plain)!r}.")
        if parse_path_prefix(routed.path) != routed.path:
            raise ValidationFailed(f"{routed.path!r} cannot be routed: write it as {parse_path_prefix(routed.path)!r}.")
        if routed.redirect_to and parse_host_name(routed.redirect_to) != routed.redirect_to:
            raise ValidationFailed(f"Nobody can be sent to {routed.redirect_to!r}: it is no name of a host.")
        if seen.setdefault((routed.host, routed.path), routed.app_id) != routed.app_id:
            raise ValidationFailed(f"The host {routed.host} is claimed by two apps. Give it to one of them.")
