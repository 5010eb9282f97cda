"""Apps of images whose rollouts are watched: what each switch of the route found, and a step that goes wrong at its nth call."""

import json
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any

from slipyard.clients.simulated_container import Behaviour
from slipyard.deployer.access_log import ACCESS_LOG
from slipyard.deployer.router import Route
from slipyard.domain.app import AppConfig
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.rollout import RolloutRules
from slipyard.pipeline.context import Context
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.store.claims import Holder
from slipyard.store.tables import Deployment, Instance
from tests.flow.deaths import GONE
from tests.flow.system import System


@dataclass
class Nth:
    """Stands before a part of a Context: the nth call of `at` raises, before or after it took effect."""

    inner: Any
    at: str
    nth: int
    error: BaseException
    after: bool = False
    calls: int = 0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.inner, name)
        return self._counted(value) if name == self.at else value

    def _counted(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls != self.nth:
                return await call(*arguments, **options)
            if self.after:
                await call(*arguments, **options)
            raise self.error

        return counted


def failing(context: Context, part: str, nth: Nth) -> Context:
    return replace(context, **{part: nth})


def doomed(system: System, part: str, nth: Nth) -> Context:
    """Of a worker whose process is gone afterwards."""
    context = system.new_context()
    return replace(context, holder=Holder(context.holder.host, GONE, "0"), **{part: nth})


async def work_doomed(system: System, router: Nth, *passes: str) -> None:
    """Workers with this router, and the controller, until one is killed."""
    for _ in range(8):
        while system.queue.waiting:
            await run_deployment(doomed(system, "router", router), system.queue.waiting.popleft()[1])
        await system.control(*passes)


@dataclass
class Shop:
    """`seen` are, at each switch, the route and how many containers ran."""

    system: System
    app_id: str
    seen: list[tuple[Route, int]] = field(default_factory=list)

    async def ask(self, version: int, behaviour: Behaviour = Behaviour()) -> Deployment:  # noqa: B008 - frozen
        self.system.engine.publish(image(version), behaviour)
        await deploy_app(self.system.context, self.app_id, DeployRequest(image=image(version)), self.system.actor)
        return self.last

    async def deploy(self, version: int, behaviour: Behaviour = Behaviour()) -> Deployment:  # noqa: B008 - frozen
        await self.ask(version, behaviour)
        await self.system.work()
        return self.last

    @property
    def last(self) -> Deployment:
        return self.system.deployments(self.app_id)[-1]

    def instances(self, *statuses: InstanceStatus) -> list[Instance]:
        return [row for row in self.system.instances(self.app_id) if row.status in statuses]

    @property
    def serving(self) -> dict[str, int]:
        """How many instances serve, by deployment."""
        rows = self.instances(InstanceStatus.SERVING)
        return {each: sum(row.deployment_id == each for row in rows) for each in {row.deployment_id for row in rows}}

    def addresses(self, deployment: Deployment) -> set[str]:
        rows = self.instances(InstanceStatus.SERVING)
        return {f"{row.address}:{row.port}" for row in rows if row.deployment_id == deployment.id}

    async def route(self) -> Route:
        found = await self.system.context.router.current(self.app_id)
        assert found is not None
        return found

    async def running(self) -> int:
        return sum(seen.running for seen in await self.system.context.driver.observe())

    def watch(self) -> None:
        """From here on."""
        router = self.system.context.router
        switch = router.switch

        async def watched(route: Route) -> None:
            await switch(route)
            self.seen.append((route, await self.running()))

        router.switch = watched  # type: ignore[method-assign]


def image(version: int) -> str:
    return f"registry.example/shop:{version}"


def write_answers(shop: Shop, addresses: Collection[str], status: int, times: int) -> None:
    """As Caddy writes them down."""
    log = shop.system.context.layout.logs / ACCESS_LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    upstreams = cycle(sorted(addresses))
    with log.open("a") as file:
        for _ in range(times):
            row = {"ts": time.time(), "status": status, "app": shop.app_id, "upstream": next(upstreams)}
            file.write(json.dumps(row) + "\n")


async def new_shop(system: System, replicas: int = 3, check: HealthCheck | None = None, **rollout: Any) -> Shop:
    """Version 1 is live."""
    config = AppConfig(
        min_instances=replicas,
        max_instances=max(1, replicas),
        rollout=RolloutRules(**rollout),
        health_check=check or HealthCheck(start_period=0.5),
    )
    made = await create_app(system.context, NewApp("shop", config=config), system.actor)
    shop = Shop(system, made.app.id)
    await shop.deploy(1)
    assert sum(shop.serving.values()) == replicas
    return shop
