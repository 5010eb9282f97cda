"""Traffic by files and Caddy: a switch is a rename, and mostly so is a host that comes or goes."""

import asyncio
from collections.abc import Sequence

from slipyard.clients.caddy import CaddyAdmin
from slipyard.deployer.access_log import ACCESS_LOG
from slipyard.deployer.caddy_config import CaddyShape, caddy_config
from slipyard.deployer.caddy_editions import Editions
from slipyard.deployer.router import Route, RoutedHost
from slipyard.deployer.routes import Routes
from slipyard.domain.errors import ValidationFailed
from slipyard.domain.layout import Layout
from slipyard.domain.network_rules import check_host
from slipyard.domain.settings import Settings


class CaddyRouter:
    def __init__(self, admin: CaddyAdmin, shape: CaddyShape) -> None:
        self._admin = admin
        self._shape = shape
        self._routes = Routes(shape.routes)
        self._editions = Editions(shape.routes, shape.spares)

    async def switch(self, route: Route) -> None:
        await asyncio.to_thread(self._routes.switch, route)

    async def current(self, app_id: str) -> Route | None:
        return await asyncio.to_thread(self._routes.current, app_id)

    async def publish(self, hosts: Sequence[RoutedHost]) -> None:
        """Mostly files: Caddy is given a new edition where the one that it runs has no room, or was made from other
        settings. Call it under a lock across processes."""
        _check_hosts(hosts)
        known = await self._admin.config()
        orders = {"admin": known.get("admin", {})}
        newest = await asyncio.to_thread(self._editions.newest)
        runs = newest is not None and known == {**orders, **caddy_config(newest, self._shape)}
        if newest is not None and runs and await asyncio.to_thread(self._editions.fit, newest, hosts):
            return
        edition = await asyncio.to_thread(self._editions.issue, hosts)
        await self._admin.load({**orders, **caddy_config(edition, self._shape)})
        await asyncio.to_thread(self._editions.prune, edition)

    async def forget(self, app_id: str) -> None:
        await asyncio.to_thread(self._routes.forget, app_id)

    async def in_flight(self, addresses: Sequence[str]) -> int:
        counts = await self._admin.in_flight()
        return sum(counts.get(address, 0) for address in addresses)


def caddy_shape(settings: Settings, layout: Layout) -> CaddyShape:
    if settings.tls == "files":
        raise ValidationFailed('SLIPYARD_TLS "files" is not served by this router. Use off, internal or acme.')
    return CaddyShape(
        routes=layout.routes,
        http_port=settings.http_port,
        https_port=settings.https_port,
        tls=settings.tls,
        access_log=layout.logs / ACCESS_LOG,
        inherited=settings.caddy_admin is None,
    )


def _check_hosts(hosts: Sequence[RoutedHost]) -> None:
    seen: dict[str, str] = {}
    for routed in hosts:
        if check_host(routed.host) != routed.host:
            raise ValidationFailed(f"{routed.host!r} cannot be routed: write it as {check_host(routed.host)!r}.")
        if seen.setdefault(routed.host, routed.app_id) != routed.app_id:
            raise ValidationFailed(f"The host {routed.host} is claimed by two apps. Give it to one of them.")
