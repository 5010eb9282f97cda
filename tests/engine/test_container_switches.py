"""Containers come and go behind a real router, and nobody who asks notices."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from slipyard.clients.caddy import Caddy
from slipyard.deployer.addresses import next_address
from slipyard.deployer.caddy_router import CaddyRouter
from slipyard.deployer.caddy_shape import CaddyShape
from slipyard.deployer.router import Route, RoutedHost, RouteState
from tests.engine.caddy_process import caddy_process, free_port
from tests.engine.docker_installation import Installation, docker_installation
from tests.engine.web import Load

SERVES_VERSION = "mkdir -p /www && echo -n $VERSION >/www/index.html && exec httpd -f -p $PORT -h /www"
SWITCHES = 8


@pytest.fixture
async def installation():
    async with docker_installation() as installation:
        yield installation


@pytest.fixture
async def routed():
    """A router and the port that it serves."""
    with tempfile.TemporaryDirectory(prefix="caddy-") as name:
        async with caddy_process(Path(name)) as caddy:
            shape = CaddyShape(Path(name) / "routes", free_port(), free_port())
            yield CaddyRouter(Caddy(caddy.admin), shape), shape.http_port


class Rollout:
    def __init__(self, installation: Installation, router: CaddyRouter) -> None:
        self.installation, self.router = installation, router
        self.network = installation.apps["a"]
        self.address: str | None = None
        self.instance_id: str | None = None
        self.generation = 0

    async def live(self, version: str) -> None:
        """Start beside the old, wait until ready, switch, drain, retire."""
        before, used = (self.instance_id, self.address), {self.address} if self.address else set()
        self.address = next_address(self.network.subnet, self.address, used)
        host = int(self.address.rpartition(".")[2]) - int(self.network.subnet.partition("/")[0].rpartition(".")[2])
        spec = self.installation.instance(
            "a", host, "sh", "-c", SERVES_VERSION, env={"PORT": "3000", "VERSION": version}
        )
        await self.installation.live(spec)
        self.instance_id, self.generation = spec.instance_id, self.generation + 1
        await self.router.switch(
            Route(self.network.app_id, self.generation, RouteState.AWAKE, (f"{self.address}:3000",))
        )
        if before[0] is not None:
            await self._retire(before[0], f"{before[1]}:3000")

    async def _retire(self, instance_id: str, address: str) -> None:
        quiet = 0
        while quiet < 3:
            quiet = quiet + 1 if await self.router.in_flight([address]) == 0 else 0
            await asyncio.sleep(0.02)
        await self.installation.driver.retire(instance_id, 1)


async def test_real_containers_are_replaced_under_load_and_nothing_is_lost(installation, routed):
    router, port = routed
    rollout = Rollout(installation, router)
    await rollout.live("v0")
    await router.publish([RoutedHost("a.localhost", rollout.network.app_id)])
    async with asyncio.timeout(120), Load(port, "a.localhost", clients=3) as load:
        for number in range(1, SWITCHES + 1):
            await rollout.live(f"v{number}")
            await load.more(20)
    assert load.failures == {}
    assert set(load.answers) == {f"v{number}" for number in range(SWITCHES + 1)}
