"""The release before stays paused for a while, and going back to it starts no container."""

from dataclasses import replace

import pytest
from sqlmodel import select

from slipyard.clients import machine_memory
from slipyard.domain.errors import NotFound, RolloutFailed
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.delete_app import delete_app
from slipyard.pipeline.rollout.pause_instances import pause_instances
from slipyard.pipeline.rollout.retire_instances import DrainWatch
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.pipeline.stop_app import restart_app, start_app, stop_app
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.tables import Event
from tests.flow.conftest import ON_POSTGRESQL
from tests.flow.deaths import Killed, Mortal, doomed_context
from tests.flow.rollouts import Nth, Shop, failing, new_shop
from tests.flow.system import System

PAUSED, RETIRED, DRAINING = InstanceStatus.PAUSED, InstanceStatus.RETIRED, InstanceStatus.DRAINING


@pytest.fixture(autouse=True)
def keeps(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    system.set(keep_paused_seconds=600)
    monkeypatch.setattr(machine_memory, "available_share", lambda: 0.5)


async def set_aside(system: System, *more: str) -> None:
    """Three quiet reads, then the pause."""
    for _ in range(3):
        await system.control("set_aside", *more)


async def two_releases(system: System, replicas: int = 2, **rollout) -> Shop:
    """Version 2 serves, version 1 is paused, however long this machine takes to look."""
    shop = await new_shop(system, replicas, **({"drain_seconds": 60} | rollout))
    await shop.deploy(2)
    await set_aside(system)
    return shop


async def back(shop: Shop, deployment_id: str | None = None):
    await roll_back(shop.system.context, shop.app_id, deployment_id, shop.system.actor)
    await shop.system.work()
    return shop.last


def ids(shop: Shop, *statuses: InstanceStatus) -> set[str]:
    return {row.id for row in shop.instances(*statuses)}


def said(shop: Shop) -> str:
    query = select(Event).where(Event.app_id == shop.app_id)
    return "\n".join(row.message for row in shop.system.read(lambda session: list(session.exec(query))))


async def test_what_does_not_answer_after_the_thaw_is_started_anew(system: System) -> None:
    shop = await two_releases(system, 1)
    paused = shop.instances(PAUSED)[0]
    probe = system.engine.probe

    async def deaf(address, port, check):
        return "did not answer: connection refused" if address == paused.address else await probe(address, port, check)

    system.context.driver._readiness._probe = deaf
    last = await back(shop)

    assert last.status is DeploymentStatus.ACTIVE
    assert shop.serving == {last.id: 1}
    assert paused.id not in ids(shop, InstanceStatus.SERVING)
    assert "did not answer: connection refused after it was paused; a new one is started in its place" in said(shop)


async def test_a_second_answer_that_fails_is_a_failure_too(system: System) -> None:
    shop = await two_releases(system, 1)
    paused, asked = shop.instances(PAUSED)[0], []
    probe = system.engine.probe

    async def once(address, port, check):
        asked.append(address)
        return "answered 500 on /" if asked.count(paused.address) == 2 else await probe(address, port, check)

    system.context.driver._readiness._probe = once
    await back(shop)

    assert paused.id not in ids(shop, InstanceStatus.SERVING)
    assert "answered 500 on / after it was paused" in said(shop)


async def test_what_was_removed_by_hand_is_started_anew(system: System) -> None:
    shop = await two_releases(system, 1)
    await system.engine.remove(shop.instances(PAUSED)[0].container_id)

    last = await back(shop)

    assert last.status is DeploymentStatus.ACTIVE
    assert shop.serving == {last.id: 1}


async def test_after_a_reboot_nobody_counts_on_what_was_paused(system: System) -> None:
    shop = await two_releases(system)
    for row in shop.instances(PAUSED):
        system.engine.crash(row.container_id, 137)

    await system.control("heal", "drain")

    assert not ids(shop, PAUSED)
    assert (await back(shop)).status is DeploymentStatus.ACTIVE


async def test_an_engine_that_fails_at_the_thaw_is_tried_again(system: System) -> None:
    shop = await two_releases(system)
    paused = ids(shop, PAUSED)
    system.engine.fail_next("unpause", NotFound("The container engine has no such container."))

    last = await back(shop)

    assert last.status is DeploymentStatus.ACTIVE
    assert len(ids(shop, InstanceStatus.SERVING) & paused) == 1
    assert shop.serving == {last.id: 2}


@ON_POSTGRESQL
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("part", "call"), [("driver", "thaw"), ("driver", "ask"), ("router", "switch")])
async def test_a_worker_killed_on_the_way_back_is_followed_by_one_that_arrives(
    system: System, part: str, call: str, *, after: bool
) -> None:
    shop = await two_releases(system)
    paused = ids(shop, PAUSED)
    row = await roll_back(system.context, shop.app_id, None, system.actor)
    system.queue.waiting.clear()
    with pytest.raises(Killed):
        await run_deployment(doomed_context(system, part, call, after=after), row.id)

    await system.control("recover")
    await system.work()

    assert shop.last.status is DeploymentStatus.ACTIVE
    assert ids(shop, InstanceStatus.SERVING) == paused
    assert set((await shop.route()).addresses) == shop.addresses(shop.last)
    assert not any(seen.paused for seen in await system.context.driver.observe() if seen.instance_id in paused)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_controller_killed_at_the_pause_is_followed_by_one_that_knows(system: System, *, after: bool) -> None:
    shop = await new_shop(system, 1)
    await shop.deploy(2)
    broken = replace(system.context, driver=Mortal(system.context.driver, "pause", after=after))
    watch = DrainWatch()
    await pause_instances(broken, watch)
    await pause_instances(broken, watch)
    with pytest.raises(Killed):
        await pause_instances(broken, watch)
    row = shop.instances(PAUSED)[0]
    assert row.paused_at is None

    last = await back(shop)
    assert row.id not in ids(shop, InstanceStatus.SERVING), "somebody may be about to pause it"
    assert last.status is DeploymentStatus.ACTIVE
    await system.control("set_aside")
    assert all(each.paused_at for each in shop.instances(PAUSED))


async def test_what_serves_is_never_paused(system: System) -> None:
    """It drained, a rollback took it back, and the controller's pass comes too late."""
    shop = await new_shop(system, 1)
    await shop.deploy(2)
    await system.control("set_aside")
    draining = ids(shop, DRAINING)

    await back(shop)
    await set_aside(system)

    assert ids(shop, InstanceStatus.SERVING) == draining
    assert not any(seen.paused for seen in await system.context.driver.observe() if seen.instance_id in draining)


async def test_going_back_thaws_and_starts_no_container(system: System) -> None:
    shop = await two_releases(system, 2)
    paused = ids(shop, PAUSED)
    assert len(paused) == 2
    system.engine.calls.clear()

    last = await back(shop)

    assert last.status is DeploymentStatus.ACTIVE
    assert ids(shop, InstanceStatus.SERVING) == paused
    assert system.engine.calls["unpause"] == 2
    assert not system.engine.calls["start"] + system.engine.calls["create_container"]
    assert set((await shop.route()).addresses) == shop.addresses(last)


async def test_two_rollbacks_and_forward_again(system: System) -> None:
    shop = await two_releases(system, 1)
    second = shop.last
    first = ids(shop, PAUSED)
    await back(shop)
    await set_aside(system)
    left = ids(shop, PAUSED)
    assert left.isdisjoint(first)

    await back(shop, second.id)
    await set_aside(system)

    assert ids(shop, InstanceStatus.SERVING) == left
    assert ids(shop, PAUSED) == first


async def test_only_the_release_right_before_is_kept(system: System) -> None:
    shop = await two_releases(system, 1)
    first = ids(shop, PAUSED)
    await shop.deploy(3)
    await set_aside(system, "drain")
    await system.control("drain")

    assert first <= ids(shop, RETIRED)
    assert len(ids(shop, PAUSED)) == 1


async def test_a_restart_keeps_the_way_back(system: System) -> None:
    shop = await two_releases(system, 1)
    paused = ids(shop, PAUSED)
    await restart_app(system.context, shop.app_id, system.actor)
    await system.work()
    await set_aside(system)

    assert ids(shop, PAUSED) == paused
    await back(shop)
    assert ids(shop, InstanceStatus.SERVING) == paused


async def test_a_deployment_that_fails_half_way_thaws_what_it_set_aside(system: System) -> None:
    shop = await new_shop(system, 3, max_surge="1")
    first, serving = shop.serving, ids(shop, InstanceStatus.SERVING)
    await shop.ask(2)
    wait = Nth(system.context.driver, "wait_ready", 2, RolloutFailed("out of luck"))
    await run_deployment(failing(system.context, "driver", wait), system.queue.waiting.popleft()[1])

    assert shop.last.status is DeploymentStatus.FAILED
    assert shop.serving == first
    assert ids(shop, InstanceStatus.SERVING) == serving
    await set_aside(system)
    assert not ids(shop, PAUSED, DRAINING)


async def test_what_runs_only_once_is_never_kept(system: System) -> None:
    shop = await new_shop(system, 1, strategy="recreate")
    await shop.ask(2)
    for _ in range(6):
        await system.work()
        await system.control("drain", "go_on", "set_aside")
    assert shop.last.status is DeploymentStatus.ACTIVE
    assert not ids(shop, PAUSED, DRAINING)


async def test_the_budget_lets_the_oldest_go(system: System) -> None:
    mib = 1024 * 1024
    system.set(paused_memory=30 * mib)
    shop = await two_releases(system, 2)  # 20 MiB each

    assert len(ids(shop, PAUSED)) == 1
    assert "paused instances hold as much memory as they may" in said(shop)
    last = await back(shop)
    assert shop.serving == {last.id: 2}


async def test_what_was_paused_long_enough_retires(system: System) -> None:
    shop = await two_releases(system)
    system.set(keep_paused_seconds=0.000001)
    await system.control("paused", "drain")

    assert not ids(shop, PAUSED)
    assert len(ids(shop, RETIRED)) == 2


async def test_nothing_is_kept_where_it_is_turned_off(system: System) -> None:
    system.set(keep_paused_seconds=0)
    shop = await two_releases(system)
    assert not ids(shop, PAUSED, DRAINING)


@pytest.mark.parametrize("word", ["stop", "delete"])
async def test_an_app_that_ends_keeps_nothing(system: System, word: str) -> None:
    shop = await two_releases(system)
    await {"stop": stop_app, "delete": delete_app}[word](system.context, shop.app_id, system.actor)
    for _ in range(4):
        await system.control("drain", "set_aside")
    assert not shop.instances(PAUSED, DRAINING, InstanceStatus.SERVING)
    assert await system.context.driver.observe() == []


async def test_started_again_it_still_knows_its_release_before(system: System) -> None:
    shop = await two_releases(system, 1)
    await stop_app(system.context, shop.app_id, system.actor)
    await start_app(system.context, shop.app_id, system.actor)
    await system.work()
    assert (await back(shop)).status is DeploymentStatus.ACTIVE


async def test_a_machine_short_of_memory_keeps_none(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await two_releases(system)
    monkeypatch.setattr(machine_memory, "available_share", lambda: 0.05)
    await system.control("paused", "drain")
    assert not ids(shop, PAUSED)


async def test_the_healer_lets_what_is_paused_be(system: System) -> None:
    shop = await two_releases(system)
    paused = ids(shop, PAUSED)
    await system.control("heal")
    assert ids(shop, PAUSED) == paused
    assert sum(seen.paused for seen in await system.context.driver.observe()) == 2


async def test_what_somebody_paused_is_thawed_by_the_healer(system: System) -> None:
    shop = await new_shop(system, 1)
    row = shop.instances(InstanceStatus.SERVING)[0]
    await system.engine.pause(row.container_id)
    await system.control("heal")
    seen = await system.context.driver.look(row.id)
    assert (seen.paused, seen.container_id) == (False, row.container_id)


async def test_who_is_idle_is_kept_also_where_nobody_looked_until_the_deadline(system: System) -> None:
    shop = await two_releases(system, drain_seconds=0)
    assert len(ids(shop, PAUSED)) == 2
    assert (await back(shop)).way_back == "thawed"


async def test_an_old_one_that_cannot_finish_is_not_paused(system: System) -> None:
    shop = await new_shop(system, 1, drain_seconds=0.001)
    await shop.deploy(2)
    row = shop.instances(DRAINING)[0]

    async def busy(addresses):
        return 1

    system.context.router.in_flight = busy
    await set_aside(system)

    assert row.id not in ids(shop, DRAINING, PAUSED)
    assert "its requests did not end" in said(shop)
