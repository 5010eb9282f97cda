"""Canary: shares of 5 %, pauses that no worker waits through, and an end by itself where the new release is worse."""

import pytest

from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.app import AppConfig
from slipyard.domain.health import HealthCheck
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.domain.rollout import Canary, RolloutRules, Strategy
from slipyard.pipeline.cancel import cancel_deployment
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.lock_app import lock_app, unlock_app
from slipyard.pipeline.stop_app import restart_app, stop_app
from slipyard.pipeline.way_back.roll_back import roll_back
from tests.flow.conftest import ON_POSTGRESQL
from tests.flow.deaths import Killed
from tests.flow.rollouts import Nth, Shop, new_shop, work_doomed, write_answers
from tests.flow.system import System

CHECK = HealthCheck(path="/up", retries=2, start_period=0.5)
STEPS = {"steps": [5, 50], "seconds": 3600}


async def canary(system: System, behaviour: Behaviour = Behaviour(), **rules) -> Shop:  # noqa: B008 - frozen
    """Version 2 gets its first share."""
    shop = await new_shop(system, 2, CHECK, strategy="canary", canary={**STEPS, **rules})
    await shop.deploy(2, behaviour)
    return shop


async def configure_canary(shop: Shop) -> None:
    rules = RolloutRules(strategy=Strategy.CANARY, canary=Canary(**STEPS))
    config = AppConfig(min_instances=2, max_instances=2, rollout=rules, health_check=CHECK)
    await change_app(shop.system.context, shop.app_id, AppChanges(config=config), shop.system.actor)


async def share(shop: Shop) -> int:
    """In percent, of the newest deployment."""
    ours = shop.addresses(shop.last)
    addresses = (await shop.route()).addresses
    return 100 * sum(address in ours for address in addresses) // len(addresses)


async def go_on(system: System) -> None:
    await system.control("recover", "go_on")
    await system.work()


def answered(shop: Shop, deployment_number: int, status: int, times: int) -> None:
    write_answers(shop, shop.addresses(shop.system.deployments(shop.app_id)[deployment_number - 1]), status, times)


async def assert_old_has_all(shop: Shop) -> None:
    first = shop.system.deployments(shop.app_id)[0]
    assert shop.serving == {first.id: 2}
    assert set((await shop.route()).addresses) == shop.addresses(first)
    assert first.status is DeploymentStatus.ACTIVE


async def test_it_begins_with_one_slot_and_no_worker_waits(system: System) -> None:
    shop = await canary(system)

    assert (shop.last.status, shop.last.claim_token) == (DeploymentStatus.VERIFYING, None)
    assert await share(shop) == 5
    assert shop.last.progress == "5 % of the requests go to release 2 for 3600 s."
    await go_on(system)
    assert await share(shop) == 5


async def test_each_step_comes_when_its_time_has_come(system: System) -> None:
    shop = await canary(system, seconds=0.001)

    await go_on(system)
    assert await share(shop) == 50
    await go_on(system)

    assert (shop.last.status, shop.last.attempt) == (DeploymentStatus.ACTIVE, 1)
    assert shop.serving == {shop.last.id: 2}
    assert await share(shop) == 100


async def test_errors_of_the_new_ones_end_it_with_the_evidence(system: System) -> None:
    shop = await canary(system, Behaviour(output=("no such column",)))
    answered(shop, 1, 200, 95)
    answered(shop, 2, 500, 5)

    await go_on(system)

    assert shop.last.status is DeploymentStatus.FAILED
    assert "the new instances answered 5 of 5 (100%) with a 5xx" in shop.last.error
    assert "the old ones 0 of 95 (0%)" in shop.last.error
    assert "no such column" in shop.last.log_tail
    await assert_old_has_all(shop)


async def test_errors_of_both_are_not_its_fault(system: System) -> None:
    shop = await canary(system)
    answered(shop, 1, 503, 95)
    answered(shop, 2, 503, 5)

    await go_on(system)

    assert shop.last.status is DeploymentStatus.VERIFYING


async def test_errors_of_a_user_are_nobodys(system: System) -> None:
    shop = await canary(system)
    answered(shop, 2, 404, 50)

    await go_on(system)

    assert shop.last.status is DeploymentStatus.VERIFYING


async def test_a_crash_ends_it(system: System) -> None:
    shop = await canary(system)
    await go_on(system)
    row = next(each for each in shop.instances(InstanceStatus.SERVING) if each.deployment_id == shop.last.id)
    system.engine.crash(row.container_id, 3)

    await go_on(system)

    assert shop.last.status is DeploymentStatus.FAILED
    assert f"instance {row.id[-8:]} ended with exit code 3" in shop.last.error
    await assert_old_has_all(shop)


async def test_a_crash_that_the_healer_was_quicker_to_mend_ends_it_too(system: System) -> None:
    shop = await canary(system)
    await go_on(system)
    row = next(each for each in shop.instances(InstanceStatus.SERVING) if each.deployment_id == shop.last.id)
    system.engine.crash(row.container_id, 3)
    await system.control("heal")

    await go_on(system)

    assert shop.last.status is DeploymentStatus.FAILED
    assert "ended and was started again" in shop.last.error


async def test_a_health_that_fails_again_and_again_ends_it(system: System) -> None:
    shop = await canary(system)
    probe = system.engine.probe

    async def unhealthy(address, port, check):
        ours = {each.partition(":")[0] for each in shop.addresses(shop.last)}
        return "answered 500 on /up" if address in ours else await probe(address, port, check)

    system.context.driver._readiness._probe = unhealthy
    await go_on(system)
    assert shop.last.status is DeploymentStatus.VERIFYING
    system.clock.ahead += 5
    await go_on(system)

    assert shop.last.status is DeploymentStatus.FAILED
    assert "answered 500 on /up, 2 times in a row" in shop.last.error
    await assert_old_has_all(shop)


async def test_a_cancel_gives_the_old_ones_everything_back(system: System) -> None:
    shop = await canary(system)
    await cancel_deployment(system.context, shop.app_id, shop.last.id, system.actor)

    await go_on(system)

    assert shop.last.status is DeploymentStatus.CANCELLED
    await assert_old_has_all(shop)


async def test_an_app_that_is_stopped_meanwhile_stays_stopped(system: System) -> None:
    shop = await canary(system)
    await stop_app(system.context, shop.app_id, system.actor)

    await go_on(system)

    assert shop.last.status is DeploymentStatus.CANCELLED
    assert shop.serving == {}


@ON_POSTGRESQL
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_a_worker_killed_at_any_step_is_followed_by_one_that_goes_on(
    system: System, nth: int, *, after: bool
) -> None:
    shop = await new_shop(system, 2, CHECK, strategy="canary", canary={**STEPS, "seconds": 0.001})
    await shop.ask(2)
    deadly = Nth(system.context.router, "switch", nth, Killed(), after)
    with pytest.raises(Killed):
        await work_doomed(system, deadly, "go_on")

    for _ in range(5):
        await go_on(system)

    assert shop.last.status is DeploymentStatus.ACTIVE
    assert shop.serving == {shop.last.id: 2}
    assert await share(shop) == 100


async def test_the_first_release_gets_everything_at_once(system: System) -> None:
    shop = await new_shop(system, 2, CHECK, strategy="canary", canary=STEPS)
    assert await share(shop) == 100


async def test_a_later_deployment_takes_the_place_of_a_canary_that_waits(system: System) -> None:
    shop = await canary(system)
    second = shop.last

    await shop.deploy(3)
    await go_on(system)
    await go_on(system)

    first, overtaken, third = system.deployments(shop.app_id)
    assert (overtaken.id, overtaken.status) == (second.id, DeploymentStatus.CANCELLED)
    assert overtaken.error == "Deployment 3 took its place while it was a canary."
    assert first.status is DeploymentStatus.ACTIVE, "it serves until the canary of version 3 has proved itself"
    assert (third.status, await share(shop)) == (DeploymentStatus.VERIFYING, 5)
    assert shop.serving == {first.id: 2, third.id: 2}


async def test_going_back_ends_a_canary_too(system: System) -> None:
    shop = await new_shop(system, 2, CHECK)
    await shop.deploy(2)
    await configure_canary(shop)
    await shop.deploy(3)

    await roll_back(system.context, shop.app_id, None, system.actor)
    await system.work()
    await go_on(system)
    await system.work()

    statuses = [row.status for row in system.deployments(shop.app_id)]
    superseded, active = DeploymentStatus.SUPERSEDED, DeploymentStatus.ACTIVE
    assert statuses == [superseded, superseded, DeploymentStatus.CANCELLED, active]
    assert shop.serving == {shop.last.id: 2}


async def test_what_runs_again_what_is_live_ends_no_canary(system: System) -> None:
    shop = await canary(system)

    await restart_app(system.context, shop.app_id, system.actor)
    await system.work()
    await go_on(system)

    assert system.deployments(shop.app_id)[1].status is DeploymentStatus.VERIFYING


async def test_what_is_held_ends_no_canary_before_it_may_begin(system: System) -> None:
    shop = await canary(system)
    await lock_app(system.context, shop.app_id, "counting stock", system.actor)

    await shop.deploy(3)
    await go_on(system)
    assert system.deployments(shop.app_id)[1].status is DeploymentStatus.VERIFYING

    await unlock_app(system.context, shop.app_id, system.actor)
    await system.work()
    await go_on(system)
    assert system.deployments(shop.app_id)[1].status is DeploymentStatus.CANCELLED
    assert shop.last.status is DeploymentStatus.VERIFYING
