"""An app of several services: one rollout for all of them, and each by itself where only it is meant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from slipyard.clients import machine_memory
from slipyard.clients.simulated_container import Behaviour
from slipyard.deployer.driver import InstanceSpec
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import Conflict, NotFound, ValidationFailed
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus, is_over
from slipyard.domain.service import Condition, Dependency, ServiceConfig
from slipyard.domain.volume import Mount
from slipyard.pipeline.change_services import remove_service, scale_services, set_service, stop_service
from slipyard.pipeline.commands.run_command import service_for
from slipyard.pipeline.configuration.change_configuration import change_env
from slipyard.pipeline.configuration.change_secrets import NewSecret, set_secret
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.healing.spec_of_instance import spec_of_instance
from slipyard.pipeline.rollout.instances import command_spec
from slipyard.pipeline.rollout.load_rollout import load_rollout
from slipyard.pipeline.stop_app import restart_app, stop_app
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.tables import Instance, OneOff
from tests.flow.rollouts import Shop
from tests.flow.system import System

REDIS = "registry.example/redis:7"
SOON = HealthCheck(start_period=0.5)
STORE = ServiceConfig(image=REDIS, port=6379, health_check=SOON)
ASKED = HealthCheck(command="is it well?", start_period=0.5)
WORKER = ServiceConfig(command="work", depends_on=(Dependency(service="store"),), health_check=ASKED)
CRASHES = Behaviour(by_command=(("work", Behaviour(exits_after=0.0, exit_code=3, output=("no such queue",))),))
ROUTED = {"depends_on": (Dependency(service="store"),)}


@dataclass
class Compound(Shop):
    """A shop with a store and a worker. `started` are the services in the order in which containers were started."""

    started: list[str] = field(default_factory=list)

    def of(self, service: str) -> list[Instance]:
        return [row for row in self.instances(InstanceStatus.SERVING) if row.service == service]

    def containers(self, service: str) -> set[str | None]:
        return {row.container_id for row in self.of(service)}

    async def env(self, service: str) -> Mapping[str, str]:
        """Without what the platform adds."""
        spec = await spec_of_instance(self.system.context, self.of(service)[0].id)
        return {name: value for name, value in spec.env.items() if name != "PORT"}

    def command(self, service: str, program: str) -> InstanceSpec:
        """As it would run for somebody who names the service."""
        rollout = self.system.read(lambda session: load_rollout(session, self.system.context, self.last.id))
        row = OneOff(id="run_1", deployment_id=self.last.id, address="10.201.0.60", command=[program])
        return command_spec(rollout, service_for(self.system.app(self.app_id), rollout.config.services, service), row)

    async def live(self) -> None:
        await self.system.work()
        await self.system.settle()

    async def addresses_of(self, containers: set[str | None]) -> tuple[str, ...]:
        (container_id,) = containers
        state = await self.system.engine.container(str(container_id))
        assert state is not None
        return state.addresses

    async def finish(self) -> None:
        """Until the last deployment is over, whatever it waits for."""
        while not is_over(self.last.status):
            await self.system.work()
            await self.system.control("drain", "go_on", "wake")

    def watch_starts(self) -> None:
        driver: Any = self.system.context.driver
        start, run_once = driver.start, driver.run_once

        async def noted(spec: Any) -> str:
            self.started.append(spec.service)
            return str(await start(spec))

        async def noted_once(spec: Any) -> str:
            self.started.append(spec.service)
            return str(await run_once(spec))

        driver.start, driver.run_once = noted, noted_once


@pytest.fixture
async def shop(system: System) -> Compound:
    system.engine.publish(REDIS, Behaviour(port=6379))
    config = AppConfig(health_check=SOON, services={"store": STORE, "worker": WORKER, "web": ServiceConfig(**ROUTED)})
    made = await create_app(system.context, NewApp("shop", config=config), system.actor)
    shop = Compound(system, made.app.id)
    shop.watch_starts()
    await shop.deploy(1)
    assert shop.last.status is DeploymentStatus.ACTIVE, shop.last.error
    return shop


async def test_a_worker_that_does_not_run_keeps_the_whole_release_from_going_live(shop: Compound) -> None:
    before, route = shop.containers("web"), await shop.route()

    failed = await shop.deploy(2, CRASHES)
    await shop.live()

    assert failed.status is DeploymentStatus.FAILED
    assert "worker" in str(failed.error)
    assert failed.log_tail == ["no such queue"]
    assert shop.containers("web") == before
    assert (await shop.route()).addresses == route.addresses
    assert await shop.running() == 3


async def test_what_nobody_changed_runs_on_beside_a_new_release(shop: Compound) -> None:
    store, web = shop.containers("store"), shop.containers("web")

    second = await shop.deploy(2)
    await shop.live()

    assert shop.containers("store") == store
    assert not shop.containers("web") & web
    assert {row.deployment_id for row in shop.instances(InstanceStatus.SERVING)} == {second.id}
    assert await shop.running() == 3

    await roll_back(shop.system.context, shop.app_id, None, shop.system.actor)
    await shop.live()
    assert shop.containers("store") == store
    assert shop.last.status is DeploymentStatus.ACTIVE


async def test_services_start_after_what_they_depend_on(shop: Compound) -> None:
    assert shop.started[0] == "store"
    assert sorted(shop.started[1:]) == ["web", "worker"]


async def test_what_runs_once_is_through_before_others_start_and_its_failure_stops_all(shop: Compound) -> None:
    context, actor = shop.system.context, shop.system.actor
    migrate = ServiceConfig(command="migrate", depends_on=WORKER.depends_on)
    waiting = ServiceConfig(depends_on=(Dependency(service="migrate", condition=Condition.COMPLETED),))
    await set_service(context, shop.app_id, "migrate", lambda _: migrate, actor, new=True, release=False)
    await set_service(context, shop.app_id, "web", waiting.over, actor, release=False)
    shop.started.clear()

    done = Behaviour(by_command=(("migrate", Behaviour(exits_after=0.05)),))
    assert (await shop.deploy(2, done)).status is DeploymentStatus.ACTIVE
    assert [each for each in shop.started if each != "worker"] == ["migrate", "web"]
    assert not shop.of("migrate")

    broken = Behaviour(by_command=(("migrate", Behaviour(exits_after=0.05, exit_code=1, output=("no table",))),))
    failed = await shop.deploy(3, broken)
    assert failed.status is DeploymentStatus.FAILED
    assert failed.log_tail == ["no table"]
    assert len(shop.of("web")) == 1


async def test_one_service_restarts_and_the_others_run_on(shop: Compound) -> None:
    store, web, worker = (shop.containers(name) for name in ("store", "web", "worker"))

    with pytest.raises(NotFound, match="wroker"):
        await restart_app(shop.system.context, shop.app_id, shop.system.actor, ["wroker"])
    await restart_app(shop.system.context, shop.app_id, shop.system.actor, ["worker"])
    await shop.live()

    assert (shop.containers("store"), shop.containers("web")) == (store, web)
    assert not shop.containers("worker") & worker
    assert await shop.running() == 3

    await restart_app(shop.system.context, shop.app_id, shop.system.actor)
    await shop.live()
    assert not shop.containers("store") & store


async def test_scaling_starts_only_what_is_missing_and_can_be_gone_back_from(shop: Compound) -> None:
    context, actor = shop.system.context, shop.system.actor
    web, worker = shop.containers("web"), shop.containers("worker")

    changed = await scale_services(context, shop.app_id, {"web": 2, "worker": 3}, actor)
    await shop.live()

    assert "run on" in changed.message
    assert (len(shop.of("web")), len(shop.of("worker"))) == (2, 3)
    assert web < shop.containers("web")
    assert worker < shop.containers("worker")
    assert len((await shop.route()).addresses) == 2
    assert shop.system.app(shop.app_id).config.min_instances == 2

    await scale_services(context, shop.app_id, {"worker": 1}, actor)
    await shop.live()
    assert (len(shop.of("web")), len(shop.of("worker"))) == (2, 1)
    assert await shop.running() == 4

    await roll_back(context, shop.app_id, None, actor)
    await shop.live()
    assert (len(shop.of("web")), len(shop.of("worker"))) == (2, 3)


async def test_a_service_that_is_stopped_stays_so_until_it_is_started(shop: Compound) -> None:
    context, actor = shop.system.context, shop.system.actor
    web = shop.containers("web")

    await stop_service(context, shop.app_id, "worker", actor, stopped=True)
    await shop.live()
    assert (shop.of("worker"), shop.containers("web")) == ([], web)
    await shop.deploy(2)
    assert (shop.of("worker"), len(shop.of("web"))) == ([], 1)

    await stop_service(context, shop.app_id, "worker", actor, stopped=False)
    await shop.live()
    assert len(shop.of("worker")) == 1


async def test_only_what_has_data_of_its_own_makes_way_before_its_new_one_starts(shop: Compound) -> None:
    context, actor = shop.system.context, shop.system.actor
    mounted = ServiceConfig(mounts=(Mount(volume="data", path="/data"),))
    await set_service(context, shop.app_id, "store", mounted.over, actor)
    await shop.finish()
    await shop.live()
    web, store, addresses = shop.containers("web"), shop.containers("store"), (await shop.route()).addresses
    shop.watch()
    shop.started.clear()

    shop.system.engine.publish("registry.example/redis:8", Behaviour(exits_after=0.0, output=("bad dump",)))
    newer = ServiceConfig(image="registry.example/redis:8")
    await set_service(context, shop.app_id, "store", newer.over, actor)
    await shop.system.work()
    assert (shop.last.parked, shop.of("store"), shop.started) == ("old_ended", [], [])
    assert (shop.containers("web"), shop.seen) == (web, [])
    await shop.finish()

    assert (shop.last.status, shop.last.log_tail) == (DeploymentStatus.FAILED, ["bad dump"])
    assert shop.started == ["store", "store"]
    assert len(shop.containers("store") - store) == 1
    assert (shop.containers("web"), (await shop.route()).addresses) == (web, addresses)


async def test_what_depends_on_others_ends_before_them(shop: Compound) -> None:
    ended: list[str] = []
    driver: Any = shop.system.context.driver
    retire = driver.retire
    names = {row.id: row.service for row in shop.instances(InstanceStatus.SERVING)}

    async def noted(instance_id: str, *rest: Any) -> None:
        ended.append(names[instance_id])
        await retire(instance_id, *rest)

    driver.retire = noted
    await stop_app(shop.system.context, shop.app_id, shop.system.actor)
    while await shop.running():
        await shop.system.control("drain")

    assert ended[-1] == "store"
    assert sorted(ended) == ["store", "web", "worker"]


async def test_no_name_leads_to_what_is_paused_until_it_is_back(
    shop: Compound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_memory, "available_share", lambda: 0.5)
    shop.system.set(keep_paused_seconds=600)
    web = shop.containers("web")
    await shop.deploy(2)
    while not shop.instances(InstanceStatus.PAUSED):
        await shop.system.control("set_aside")
    assert await shop.addresses_of(web) == ()

    await roll_back(shop.system.context, shop.app_id, None, shop.system.actor)
    await shop.finish()
    assert shop.containers("web") == web
    assert await shop.addresses_of(web) == (shop.of("web")[0].address,)


async def test_each_service_has_variables_of_its_own(shop: Compound) -> None:
    context, actor = shop.system.context, shop.system.actor
    await set_secret(context, shop.app_id, NewSecret("STORE_PASSWORD", "s3cret"), actor)
    await change_env(context, shop.app_id, {"SHOP": "yes"}, replace=False, actor=actor, release=False)
    own = {"PASSWORD": "${secret:STORE_PASSWORD}"}
    await set_service(context, shop.app_id, "store", ServiceConfig(env=own).over, actor, release=False)
    await set_service(context, shop.app_id, "worker", ServiceConfig(env={"SHOP": "its own"}).over, actor)
    await shop.live()

    assert await shop.env("store") == {"PASSWORD": "s3cret"}
    assert (await shop.env("worker"))["SHOP"] == "its own"
    assert (await shop.env("web"))["SHOP"] == "yes"
    assert "PASSWORD" not in await shop.env("web")

    command = shop.command("store", "redis-cli")
    assert (command.env, command.command, command.port) == ({"PASSWORD": "s3cret"}, ("redis-cli",), None)
    assert command.image == (await spec_of_instance(context, shop.of("store")[0].id)).image
    assert shop.command("web", "sh").env["SHOP"] == "yes"


async def test_services_that_cannot_be_are_refused_with_a_reason(shop: Compound) -> None:
    context, actor = shop.system.context, shop.system.actor
    circle = ServiceConfig(depends_on=(Dependency(service="worker"),))

    with pytest.raises(ValidationFailed, match="wait for each other"):
        await set_service(context, shop.app_id, "store", circle.over, actor)
    with pytest.raises(ValidationFailed, match="no such secret"):
        await set_service(context, shop.app_id, "store", ServiceConfig(env={"A": "${secret:NO}"}).over, actor)
    with pytest.raises(Conflict, match="already"):
        await set_service(context, shop.app_id, "store", STORE.over, actor, new=True)
    with pytest.raises(NotFound, match="there is web, store, worker"):
        await scale_services(context, shop.app_id, {"cache": 2}, actor)
    with pytest.raises(ValidationFailed, match="depends on store"):
        await remove_service(context, shop.app_id, "store", actor)
