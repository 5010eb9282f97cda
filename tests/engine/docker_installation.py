"""A small installation on the real engine for one test: two apps on networks of their own, and nothing left behind."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

from slipyard.clients.docker_engine import DockerEngine
from slipyard.deployer.docker import DockerDriver
from slipyard.deployer.docker.names import INSTALLATION
from slipyard.deployer.driver import AppNetwork, InstanceSpec
from slipyard.domain.clock import SystemClock
from slipyard.domain.health import HealthCheck
from slipyard.domain.ids import new_id
from slipyard.domain.resources import Resources
from tests.engine.docker_world import DOCKER_HOST

SERVES = ("sh", "-c", "mkdir -p /www && echo ok >/www/index.html && exec httpd -f -p $PORT -h /www")


@dataclass
class Installation:
    """Two apps, "a" and "b", in a pool of their own."""

    engine: DockerEngine
    driver: DockerDriver
    id: str
    pool: IPv4Network
    apps: dict[str, AppNetwork] = field(default_factory=dict)

    async def app(self, name: str, index: int) -> None:
        subnet = list(self.pool.subnets(new_prefix=26))[index]
        self.apps[name] = AppNetwork(new_id("app"), str(subnet))
        await self.driver.ensure_network(self.apps[name])

    def instance(self, app: str, host: int, *command: str, **changes) -> InstanceSpec:
        network = self.apps[app]
        spec = InstanceSpec(
            instance_id=new_id("ins"),
            app_id=network.app_id,
            app_slug=app,
            deployment_id=new_id("dep"),
            release_id=new_id("rel"),
            service="web",
            image="busybox",
            address=str(IPv4Network(network.subnet)[host]),
            port=3000,
            env={"PORT": "3000"},
            command=command or SERVES,
            resources=Resources(memory="64Mi"),
            health_check=HealthCheck(start_period=30),
        )
        return replace(spec, **changes)

    async def live(self, spec: InstanceSpec) -> str:
        container_id = await self.driver.start(spec)
        await self.driver.wait_ready(spec, container_id)
        return container_id

    async def output(self, app: str, host: int, command: str) -> list[str]:
        """What a container of the app wrote that ran this and ended."""
        spec = self.instance(app, host, "sh", "-c", command, service="task")
        container_id = await self.driver.start(spec)
        await self.engine.wait(container_id)
        lines = [line.message async for line in self.driver.logs(spec.instance_id)]
        await self.driver.retire(spec.instance_id, 0)
        return lines


@asynccontextmanager
async def docker_installation() -> AsyncIterator[Installation]:
    engine, name = DockerEngine(DOCKER_HOST), secrets.token_hex(5)
    pool = IPv4Network(f"10.{216 + secrets.randbelow(5)}.{secrets.randbelow(250)}.0/24")
    made = Installation(engine, DockerDriver(engine, name, SystemClock()), name, pool)
    try:
        await made.app("a", 0)
        await made.app("b", 1)
        yield made
    finally:
        for state in await engine.containers({INSTALLATION: name}):
            await engine.remove(state.container_id)
        for network in made.apps.values():
            await made.driver.remove_network(network.app_id)
        engine.close()
