"""Recreate: two releases never run at once, requests wait meanwhile, no worker does, and a bad release gives way again."""

import pytest

from slipyard.clients.simulated_container import Behaviour
from slipyard.deployer.router import RouteState
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.cancel import cancel_deployment
from slipyard.pipeline.rollout.run_deployment import run_deployment
from tests.flow.conftest import ON_POSTGRESQL
from tests.flow.deaths import Killed
from tests.flow.rollouts import Nth, Shop, new_shop, work_doomed
from tests.flow.system import System

NEVER_READY = Behaviour(complaint="answered 500 on /")


async def recreating(system: System) -> Shop:
    """Version 2 was asked for, and waits without a worker until version 1 has ended."""
    shop = await new_shop(system, replicas=2, strategy="recreate")
    await shop.deploy(2)
    return shop


async def go_on(system: System, passes: int = 5) -> None:
    for _ in range(passes):
        await system.control("recover", "drain", "go_on")
        await system.work()


async def test_nobody_works_while_the_old_ones_finish_and_requests_wait(system: System) -> None:
    shop = await recreating(system)

    assert (shop.last.status, shop.last.claim_token) == (DeploymentStatus.DEPLOYING, None)
    assert shop.last.progress == "2 old instance(s) of web finish their requests and end before the new ones start."
    assert (await shop.route()).state is RouteState.REPLACING
    assert "requests wait up to 30 s" in system.deployment_log(shop.last.id)
    assert await shop.running() == 2
    await system.control("wake", "wake")
    assert not system.queue.waiting


async def test_what_visitors_will_notice_is_said_beforehand(system: System) -> None:
    shop = await new_shop(system, replicas=1, strategy="recreate")

    assert "requests wait up to 30 s" in (await shop.ask(2)).progress


async def test_a_wake_up_too_early_changes_nothing(system: System) -> None:
    shop = await recreating(system)

    await run_deployment(system.context, shop.last.id)

    assert (shop.last.status, shop.last.claim_token) == (DeploymentStatus.DEPLOYING, None)
    assert len(shop.instances(InstanceStatus.PLANNED, InstanceStatus.STARTED)) == 0


async def test_the_new_ones_start_when_the_old_ones_have_ended(system: System) -> None:
    shop = await recreating(system)
    shop.watch()

    await go_on(system)

    assert (shop.last.status, shop.last.attempt, shop.last.progress) == (DeploymentStatus.ACTIVE, 1, None)
    assert shop.serving == {shop.last.id: 2}
    assert [running for _, running in shop.seen] == [2]


async def test_requests_of_old_ones_are_waited_for(system: System) -> None:
    shop = await recreating(system)
    old = shop.instances(InstanceStatus.RETIRING)[0]
    system.caddy.requests[f"{old.address}:3000"] = 1

    await go_on(system)
    assert shop.last.status is DeploymentStatus.DEPLOYING
    system.caddy.requests.clear()
    await go_on(system)
    assert shop.last.status is DeploymentStatus.ACTIVE


async def test_a_release_that_does_not_get_ready_gives_way_to_the_old_one(system: System) -> None:
    shop = await new_shop(system, replicas=2, strategy="recreate")
    await shop.deploy(2, NEVER_READY)

    await go_on(system, 8)

    first = system.deployments(shop.app_id)[0]
    assert shop.last.status is DeploymentStatus.FAILED
    assert shop.serving == {first.id: 2}
    assert set((await shop.route()).addresses) == shop.addresses(first)
    assert await shop.running() == 2


async def test_a_cancel_while_it_waits_brings_the_old_one_back(system: System) -> None:
    shop = await recreating(system)
    await cancel_deployment(system.context, shop.app_id, shop.last.id, system.actor)

    await go_on(system)

    first = system.deployments(shop.app_id)[0]
    assert shop.last.status is DeploymentStatus.CANCELLED
    assert shop.serving == {first.id: 2}
    assert (await shop.route()).state is RouteState.AWAKE


@ON_POSTGRESQL
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
async def test_a_worker_killed_at_a_switch_is_followed_by_one_that_goes_on(
    system: System, nth: int, *, after: bool
) -> None:
    shop = await new_shop(system, replicas=2, strategy="recreate")
    await shop.ask(2)
    deadly = Nth(system.context.router, "switch", nth, Killed(), after)
    with pytest.raises(Killed):
        await work_doomed(system, deadly, "drain", "go_on")

    await go_on(system)

    assert shop.last.status is DeploymentStatus.ACTIVE
    assert shop.serving == {shop.last.id: 2}
    assert await shop.running() == 2


async def test_the_first_release_waits_for_nothing(system: System) -> None:
    shop = await new_shop(system, replicas=1, strategy="recreate")
    assert shop.last.status is DeploymentStatus.ACTIVE
