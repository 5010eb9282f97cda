"""A release that goes bad after the switch is left by itself, and one deployment is active at every moment."""

import pytest
from sqlmodel import select

from slipyard.clients import machine_memory
from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.errors import RolloutFailed
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.cancel import cancel_deployment
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.pipeline.stop_app import restart_app, stop_app
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.tables import Deployment, Event
from tests.flow.deaths import Killed, Mortal, doomed_context
from tests.flow.rollouts import Nth, Shop, failing, new_shop, write_answers
from tests.flow.system import System

ACTIVE, ROLLED_BACK = DeploymentStatus.ACTIVE, DeploymentStatus.ROLLED_BACK
CHECK = HealthCheck(path="/up", retries=2, start_period=0.5)


@pytest.fixture(autouse=True)
def keeps(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    system.set(keep_paused_seconds=600)
    monkeypatch.setattr(machine_memory, "available_share", lambda: 0.5)


async def baking(system: System, behaviour: Behaviour = Behaviour(), **rollout) -> Shop:  # noqa: B008 - frozen
    """Version 2 serves and is watched, version 1 is paused."""
    shop = await new_shop(system, 2, CHECK, **{"bake_seconds": 3600, **rollout})
    write_answers(shop, shop.addresses(shop.last), 200, 50)
    await shop.deploy(2, behaviour)
    for _ in range(3):
        await system.control("set_aside")
    await system.control("bake")
    return shop


async def watched(system: System) -> None:
    await system.control("bake")
    await system.work()


def crash(shop: Shop, code: int = 3) -> str:
    row = shop.instances(InstanceStatus.SERVING)[0]
    shop.system.engine.crash(row.container_id, code)
    return row.id[-8:]


def number(shop: Shop, which: int) -> Deployment:
    return shop.system.deployments(shop.app_id)[which - 1]


def actives(shop: Shop) -> list[int]:
    return [row.number for row in shop.system.deployments(shop.app_id) if row.status is ACTIVE]


def kinds(shop: Shop) -> list[str]:
    query = select(Event.kind).where(Event.app_id == shop.app_id).order_by(Event.sequence)
    return shop.system.read(lambda session: list(session.exec(query)))


async def assert_back(shop: Shop) -> None:
    assert (number(shop, 2).status, shop.last.status, shop.last.trigger) == (ROLLED_BACK, ACTIVE, "rollback")
    assert shop.last.release_id == number(shop, 1).release_id
    assert shop.serving == {shop.last.id: 2}
    assert set((await shop.route()).addresses) == shop.addresses(shop.last)


async def test_a_crash_leads_back_with_the_evidence_and_the_last_lines(system: System) -> None:
    shop = await baking(system, Behaviour(output=("no such column",)))
    name = crash(shop)
    system.engine.calls.clear()

    await watched(system)

    await assert_back(shop)
    bad = number(shop, 2)
    assert f"instance {name} ended with exit code 3. Deployment 1 comes back." in bad.error
    assert "no such column" in bad.log_tail
    assert system.engine.calls["unpause"] == 2
    assert not system.engine.calls["create_container"]
    assert [kind for kind in kinds(shop) if kind in {"deployment.went_bad", "deployment.rolled_back"}] == [
        "deployment.went_bad",
        "deployment.rolled_back",
    ]


async def test_a_crash_that_somebody_mended_leads_back_too(system: System) -> None:
    shop = await baking(system)
    crash(shop)
    await system.control("heal")
    await watched(system)
    await assert_back(shop)
    assert "ended and was started again" in number(shop, 2).error


async def test_what_was_removed_by_hand_is_not_the_fault_of_the_release(system: System) -> None:
    shop = await baking(system)
    await system.engine.remove(shop.instances(InstanceStatus.SERVING)[0].container_id)
    await watched(system)
    await system.control("heal")
    await watched(system)
    assert actives(shop) == [2]


async def test_failing_health_leads_back(system: System) -> None:
    shop = await baking(system)
    ours, probe = {each.partition(":")[0] for each in shop.addresses(shop.last)}, system.engine.probe

    async def unhealthy(address, port, check):
        return "answered 500 on /up" if address in ours else await probe(address, port, check)

    system.context.driver._readiness._probe = unhealthy
    for _ in range(2):
        system.clock.ahead += 5
        await watched(system)

    await assert_back(shop)
    assert "answered 500 on /up, 2 times in a row" in number(shop, 2).error


async def test_more_errors_than_the_old_ones_lead_back(system: System) -> None:
    shop = await baking(system)
    write_answers(shop, shop.addresses(shop.last), 500, 10)
    await watched(system)
    await assert_back(shop)
    assert "the new instances answered 10 of 10 (100%) with a 5xx" in number(shop, 2).error
    assert "the old ones 0 of 50 (0%)" in number(shop, 2).error


async def test_errors_of_both_are_not_its_fault(system: System) -> None:
    shop = await new_shop(system, 2, CHECK, bake_seconds=3600)
    write_answers(shop, shop.addresses(shop.last), 502, 50)
    await shop.deploy(2)
    write_answers(shop, shop.addresses(shop.last), 502, 10)
    await watched(system)
    assert actives(shop) == [2]


async def test_a_way_back_that_fails_leaves_what_there_was(system: System) -> None:
    shop = await baking(system)
    system.set(keep_paused_seconds=0)
    await system.control("paused")
    crash(shop)
    await system.control("bake")
    broken = failing(system.context, "driver", Nth(system.context.driver, "wait_ready", 1, RolloutFailed("no luck")))
    await run_deployment(broken, system.queue.waiting.popleft()[1])

    assert shop.last.status is DeploymentStatus.FAILED
    assert actives(shop) == [2]
    assert shop.serving == {number(shop, 2).id: 2}
    await watched(system)
    assert len(system.deployments(shop.app_id)) == 3, "it is not tried for ever"


async def test_a_controller_killed_with_the_evidence_in_its_hand_finds_it_again(system: System) -> None:
    shop = await baking(system)
    crash(shop)
    system.context.queue.wake, wake = Mortal(system.queue, "wake", after=False).wake, system.queue.wake
    with pytest.raises(Killed):
        await system.control("bake")
    system.context.queue.wake = wake
    assert actives(shop) == [2]

    await system.control("wake")
    await system.control("wake")
    await watched(system)

    await assert_back(shop)
    assert len(system.deployments(shop.app_id)) == 3


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_worker_killed_at_the_switch_back_is_followed_by_one_that_arrives(
    system: System, *, after: bool
) -> None:
    shop = await baking(system)
    crash(shop)
    await system.control("bake")
    assert actives(shop) == [2]
    with pytest.raises(Killed):
        await run_deployment(doomed_context(system, "router", "switch", after=after), system.queue.waiting.popleft()[1])
    assert actives(shop) == [2]

    await system.control("recover")
    await system.work()

    await assert_back(shop)


async def test_a_deployment_on_its_way_is_not_taken_for_what_went_bad(system: System) -> None:
    """The remedy was pushed before the evidence came: it goes live, and nothing goes back from it."""
    shop = await baking(system)
    await shop.ask(3)
    crash(shop)
    await system.control("bake")
    await system.work()

    statuses = {row.number: row.status for row in system.deployments(shop.app_id)}
    assert statuses == {1: "superseded", 2: "rolled_back", 3: "active", 4: "cancelled"}
    assert "there is nothing to go back from" in number(shop, 4).error


async def test_a_deployment_during_the_bake_is_watched_in_its_place(system: System) -> None:
    shop = await baking(system)
    await shop.deploy(3)
    assert number(shop, 2).bake_until is None
    crash(shop)
    await watched(system)
    assert (number(shop, 3).status, shop.last.release_id) == (ROLLED_BACK, number(shop, 2).release_id)


async def test_what_was_left_is_no_way_back(system: System) -> None:
    shop = await baking(system)
    crash(shop)
    await watched(system)
    await shop.deploy(3)
    crash(shop)
    await watched(system)
    assert shop.last.release_id == number(shop, 1).release_id
    for _ in range(3):
        await system.control("set_aside", "drain")
    assert not shop.instances(InstanceStatus.PAUSED), "nothing of what went bad is kept"


@pytest.mark.parametrize("word", ["rollback", "restart", "first"])
async def test_only_a_newer_release_is_watched(system: System, word: str) -> None:
    shop = await new_shop(system, 1, CHECK, bake_seconds=3600)
    if word == "rollback":
        await shop.deploy(2)
        await roll_back(system.context, shop.app_id, None, system.actor)
    elif word == "restart":
        await restart_app(system.context, shop.app_id, system.actor)
    await system.work()
    assert shop.last.status is ACTIVE
    assert shop.last.bake_until is None


async def test_a_release_that_is_well_is_watched_no_longer(system: System) -> None:
    shop = await baking(system, bake_seconds=0.001)
    assert shop.last.bake_until is None
    assert kinds(shop)[-1] == "deployment.proven"
    crash(shop)
    await watched(system)
    assert actives(shop) == [2]


async def test_an_app_that_is_stopped_meanwhile_stays_stopped(system: System) -> None:
    shop = await baking(system)
    crash(shop)
    await stop_app(system.context, shop.app_id, system.actor)
    await watched(system)
    assert len(system.deployments(shop.app_id)) == 2


async def test_somebody_may_cancel_the_way_back(system: System) -> None:
    shop = await baking(system)
    crash(shop)
    await system.control("bake")
    await cancel_deployment(system.context, shop.app_id, shop.last.id, system.actor)
    await system.work()
    assert actives(shop) == [2]
