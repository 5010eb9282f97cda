"""A newer request does not wait for an older one that has not switched: that one ends, and the old release serves on."""

import asyncio
from typing import Any

import pytest

from slipyard.api.views.deployment_views import deployment_views
from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.app import AppConfig
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.domain.rollout import RolloutRules
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.pipeline.stop_app import restart_app
from slipyard.pipeline.way_back.roll_back import roll_back
from tests.flow.rollouts import Shop, image, new_shop
from tests.flow.system import System

NEVER = Behaviour(complaint="answered 500 on /")
LONG_PROBE = HealthCheck(start_period=300)
ROLLING = {"max_surge": 1, "max_unavailable": 0}
DEADLINE_SECONDS = 30


@pytest.fixture
def patient(system: System) -> System:
    """Probing takes long enough to be overtaken."""
    system.set(lease_seconds=60)
    return system


async def shop_at_work(
    system: System, behaviour: Behaviour = NEVER, **rollout: Any
) -> tuple[Shop, "asyncio.Task[None]"]:
    """Version 1 is live; a worker is busy with version 2, which does not get ready."""
    shop = await new_shop(system, check=LONG_PROBE, **(rollout or ROLLING))
    return shop, await begin(shop, 2, behaviour)


async def begin(shop: Shop, version: int, behaviour: Behaviour) -> "asyncio.Task[None]":
    row = await shop.ask(version, behaviour)
    shop.system.queue.waiting.clear()
    work = asyncio.create_task(run_deployment(shop.system.context, row.id))
    await until(shop, lambda: any(each.status is not InstanceStatus.PLANNED for each in of(shop, row.id)), work)
    return work


def of(shop: Shop, deployment_id: str) -> list[Any]:
    return [row for row in shop.system.instances(shop.app_id) if row.deployment_id == deployment_id]


async def until(shop: Shop, condition: Any, work: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            assert not work.done(), work
            await shop.system.clock.sleep(0.01)


async def ended(work: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        await work


def statuses(shop: Shop) -> list[DeploymentStatus]:
    return [row.status for row in shop.system.deployments(shop.app_id)]


def waits_for(shop: Shop) -> str | None:
    return shop.system.read(lambda session: deployment_views(session, [shop.last]))[0].waits_for


async def test_one_that_still_probes_is_ended_for_a_newer_one(patient: System) -> None:
    seen_off = asyncio.Event()
    shop = await new_shop(patient, check=LONG_PROBE, **ROLLING)
    patient.context.driver.wait_ready = holding_on(seen_off)  # type: ignore[method-assign]
    work = await begin(shop, 2, NEVER)
    first, second = patient.deployments(shop.app_id)

    await shop.deploy(3)  # its worker says so, and finds that it is not its turn yet
    assert shop.last.status is DeploymentStatus.PENDING
    assert waits_for(shop) == "Waits for its turn: deployment 2 is being ended, and gives its requests back first."
    del patient.context.driver.wait_ready
    seen_off.set()
    await ended(work)

    assert shop.serving == {first.id: 3}, "the old release serves until the newer one switches"
    assert patient.queue.waiting, "whoever waited is woken"
    await patient.work()
    assert statuses(shop) == [DeploymentStatus.SUPERSEDED, DeploymentStatus.CANCELLED, DeploymentStatus.ACTIVE]
    assert patient.deployments(shop.app_id)[1].error == "Deployment 3 took its place before all requests went there."
    assert shop.serving == {shop.last.id: 3}
    patient.clock.ahead += 60
    await patient.settle()
    assert {row.status for row in of(shop, second.id)} == {InstanceStatus.RETIRED}
    assert await shop.running() == 3


def holding_on(seen_off: asyncio.Event) -> Any:
    """A probe that never succeeds, and ends only when it is allowed to."""

    async def wait_ready(*_: Any, **__: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await seen_off.wait()

    return wait_ready


async def test_going_back_does_not_wait_for_what_never_gets_ready(patient: System) -> None:
    shop = await new_shop(patient, check=LONG_PROBE)
    await shop.deploy(2)
    work = await begin(shop, 3, NEVER)

    await roll_back(patient.context, shop.app_id, None, patient.actor)
    await patient.work()
    await ended(work)
    await patient.work()

    assert statuses(shop)[2:] == [DeploymentStatus.CANCELLED, DeploymentStatus.ACTIVE]
    assert shop.last.release_id == patient.deployments(shop.app_id)[0].release_id


async def test_one_between_two_batches_gives_its_requests_back_first(patient: System) -> None:
    """Its first instance serves already, its second never answers."""
    shop = await new_shop(patient, check=LONG_PROBE, **ROLLING)
    first = shop.last
    wait_ready = patient.context.driver.wait_ready
    probed: set[str] = set()

    async def only_one_gets_ready(instances: Any, *arguments: Any, **options: Any) -> None:
        if probed:
            await asyncio.Event().wait()
        probed.add("one")
        await wait_ready(instances, *arguments, **options)

    patient.context.driver.wait_ready = only_one_gets_ready  # type: ignore[method-assign]
    work = await begin(shop, 2, Behaviour())
    second = shop.last
    await until(shop, lambda: shop.serving.get(second.id) == 1 and len(of(shop, second.id)) == 2, work)
    patient.context.driver.wait_ready = wait_ready  # type: ignore[method-assign]

    await shop.deploy(3)
    await ended(work)
    assert shop.serving == {first.id: 3}
    assert set((await shop.route()).addresses) == shop.addresses(first)
    await patient.work()
    assert shop.serving == {shop.last.id: 3}


async def test_a_release_command_is_never_ended_half_way_for_a_newer_one(patient: System) -> None:
    shop = await new_shop(patient, replicas=1)
    config = AppConfig(release_command="migrate", health_check=LONG_PROBE)
    await change_app(patient.context, shop.app_id, AppChanges(config=config), patient.actor)
    migrates = Behaviour(by_command=(("migrate", Behaviour(output=("begun",))),), complaint="answered 500 on /")
    work = await begin(shop, 2, migrates)
    second = shop.last

    done = Behaviour(by_command=(("migrate", Behaviour(exits_after=0)),))
    await shop.deploy(3, done)
    assert patient.deployments(shop.app_id)[1].cancel_reason is None
    assert waits_for(shop) == (
        "Waits for its turn: deployment 2 of the same app is under way. Its release command runs."
    )

    command = next(row for row in of(shop, second.id) if row.service == "release")
    patient.engine.crash(command.container_id, 0)
    await until(shop, lambda: bool(patient.queue.waiting), work)
    await patient.work()
    await ended(work)
    await patient.work()
    assert statuses(shop)[1:] == [DeploymentStatus.CANCELLED, DeploymentStatus.ACTIVE]


async def test_one_that_has_switched_is_let_to_its_end(patient: System) -> None:
    """All requests go there, only its last command still runs."""
    shop = await new_shop(patient, replicas=1)
    await change_app(patient.context, shop.app_id, AppChanges(config=AppConfig(after_deploy="warm")), patient.actor)
    work = await begin(shop, 2, Behaviour(by_command=(("warm", Behaviour()),)))
    second = shop.last
    await until(
        shop, lambda: any(row.service == "after_deploy" and row.container_id for row in of(shop, second.id)), work
    )

    await shop.deploy(3, Behaviour(by_command=(("warm", Behaviour(exits_after=0)),)))
    assert patient.deployments(shop.app_id)[1].cancel_reason is None

    command = next(row for row in of(shop, second.id) if row.service == "after_deploy")
    patient.engine.crash(command.container_id, 0)
    await ended(work)
    await patient.work()
    assert statuses(shop)[1:] == [DeploymentStatus.SUPERSEDED, DeploymentStatus.ACTIVE]


async def test_what_runs_again_what_is_live_ends_nothing(patient: System) -> None:
    shop, work = await shop_at_work(patient)

    await restart_app(patient.context, shop.app_id, patient.actor)
    await patient.work()

    assert patient.deployments(shop.app_id)[1].cancel_reason is None
    work.cancel()
    await asyncio.wait({work})


async def test_a_way_back_is_not_ended_by_a_push(patient: System) -> None:
    shop = await new_shop(patient, replicas=1, check=LONG_PROBE)
    await shop.deploy(2)
    patient.engine.publish(image(1), NEVER)
    await roll_back(patient.context, shop.app_id, None, patient.actor)
    patient.queue.waiting.clear()
    back = shop.last
    work = asyncio.create_task(run_deployment(patient.context, back.id))
    await until(shop, lambda: bool(of(shop, back.id)), work)

    await shop.deploy(3)

    assert patient.deployments(shop.app_id)[2].cancel_reason is None
    work.cancel()
    await asyncio.wait({work})


async def test_one_that_recreates_brings_the_old_ones_back_first(patient: System) -> None:
    shop = await new_shop(patient, replicas=1, check=LONG_PROBE)
    config = AppConfig(rollout=RolloutRules(strategy="recreate"), health_check=LONG_PROBE)
    await change_app(patient.context, shop.app_id, AppChanges(config=config), patient.actor)
    await shop.deploy(2, NEVER)  # the old one ends
    second = shop.last
    for _ in range(3):
        patient.clock.ahead += 60
        await patient.control("drain")
    await patient.control("go_on")
    patient.queue.waiting.clear()
    work = asyncio.create_task(run_deployment(patient.context, second.id))
    await until(shop, lambda: bool(of(shop, second.id)), work)

    await shop.deploy(3)
    await ended(work)

    assert shop.serving == {patient.deployments(shop.app_id)[0].id: 1}
    for _ in range(8):
        await patient.work()
        patient.clock.ahead += 60
        await patient.control("drain", "go_on")
    assert statuses(shop)[1:] == [DeploymentStatus.CANCELLED, DeploymentStatus.ACTIVE]
