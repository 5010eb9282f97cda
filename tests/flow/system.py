"""A whole Slipyard on fakes: the real pipeline, controller and store; engines, router and queue in memory; real git."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session, select

from slipyard.builder.image_builder_fake import FakeImageBuilder
from slipyard.clients.caddy_fake import FakeCaddy
from slipyard.clients.container_engine_fake import FakeContainerEngine
from slipyard.clients.git import Git
from slipyard.clients.registry_fake import FakeRegistry
from slipyard.controller.loops import LOOPS, Pass
from slipyard.deployer.caddy_router import CaddyRouter, caddy_shape
from slipyard.deployer.docker import DockerDriver
from slipyard.domain.actor import Actor
from slipyard.domain.clock import SystemClock
from slipyard.domain.settings import Settings
from slipyard.pipeline.builds.run_build import run_build
from slipyard.pipeline.context import Context, RegistryHome
from slipyard.pipeline.queue import WorkKind
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.store.installation import Installation, open_installation
from slipyard.store.tables import App, Build, Deployment, Instance, Organization, RouteRow


class QuickClock(SystemClock):
    """Real order, short naps, and a boot clock that a test may push forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


@dataclass
class HeldQueue:
    """Keeps wake-ups until a test has them done; `lossy` loses them, as a queue that was flushed."""

    waiting: deque[tuple[WorkKind, str]] = field(default_factory=deque)
    lossy: bool = False

    async def wake(self, kind: WorkKind, row_id: str) -> None:
        if not self.lossy:
            self.waiting.append((kind, row_id))


class System:
    def __init__(self, home: Path, database_url: str | None = None) -> None:
        settings = Settings(
            home=home, database_url=database_url, lease_seconds=5, drain_seconds=1, keep_paused_seconds=0
        )
        self.installation: Installation = open_installation(settings)
        self.clock = QuickClock()
        self.engine = FakeContainerEngine(self.clock)
        self.builder = FakeImageBuilder(self.engine)
        self.caddy = FakeCaddy()
        self.registry = FakeRegistry()
        self.queue = HeldQueue()
        self.networks_closed = 0
        self.git = Git(self.installation.layout.known_hosts)
        self.context = self.new_context()
        self.actor = self._administrator()
        self._passes: dict[str, Pass] = {loop.name: loop.start(self.context) for loop in LOOPS}

    def new_context(self) -> Context:
        """As another process of the same installation would have it."""
        installation = self.installation
        return Context(
            settings=installation.settings,
            layout=installation.layout,
            installation_id=installation.id,
            clock=self.clock,
            database=installation.database,
            cipher=installation.cipher,
            queue=self.queue,
            git=self.git,
            image_builder=self.builder,
            engine=self.engine,
            driver=DockerDriver(
                self.engine, installation.id, self.clock, self.engine.probe, installation.layout.home / "secret-files"
            ),
            router=CaddyRouter(self.caddy, caddy_shape(installation.settings, installation.layout)),
            close_networks=self.close_networks,
            registry=self.registry,
            registry_home=RegistryHome("127.0.0.1:7008", "", None),
        )

    def set(self, **settings: object) -> None:
        """From here on, for every process of the installation."""
        self.installation.settings.__dict__.update(settings)

    async def control(self, *names: str) -> None:
        """One pass of each loop named, or of all."""
        for name in names or tuple(self._passes):
            await self._passes[name]()

    async def work(self) -> None:
        """Does what was woken, one after the other, until nothing is left."""
        while self.queue.waiting:
            kind, row_id = self.queue.waiting.popleft()
            await {"build": run_build, "deploy": run_deployment}[kind](self.context, row_id)

    async def settle(self) -> None:
        """Works and controls until nothing changes any more."""
        for _ in range(4):
            await self.work()
            await self.control("recover", "wake", "drain", "follow_routes", "clean_up")

    def read(self, query):
        with self.context.database.read() as session:
            return query(session)

    def deployments(self, app_id: str) -> list[Deployment]:
        query = select(Deployment).where(Deployment.app_id == app_id).order_by(Deployment.number)
        return self.read(lambda session: list(session.exec(query)))

    def builds(self, app_id: str) -> list[Build]:
        query = select(Build).where(Build.app_id == app_id).order_by(Build.number)
        return self.read(lambda session: list(session.exec(query)))

    def instances(self, app_id: str) -> list[Instance]:
        query = select(Instance).where(Instance.app_id == app_id).order_by(Instance.id)
        return self.read(lambda session: list(session.exec(query)))

    def app(self, app_id: str) -> App:
        return self.read(lambda session: session.get_one(App, app_id))

    def route(self, app_id: str) -> RouteRow:
        return self.read(lambda session: session.get_one(RouteRow, app_id))

    def build_log(self, build_id: str) -> str:
        return self.context.layout.build_log(build_id).read_text()

    def deployment_log(self, deployment_id: str) -> str:
        return self.context.layout.deployment_log(deployment_id).read_text()

    async def close_networks(self) -> None:
        self.networks_closed += 1

    def _administrator(self) -> Actor:
        def organization(session: Session) -> str:
            return session.exec(select(Organization.id)).one()

        return Actor("admin", "admin", self.read(organization), frozenset({"admin"}))
