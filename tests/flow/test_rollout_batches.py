"""Rolling: batch by batch within the limits; at whatever step it fails, is cancelled or killed, as many serve as before."""

import pytest

from slipyard.deployer.router import RouteState
from slipyard.domain.errors import RolloutFailed, Unavailable
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.cancel import cancel_deployment
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.rollout.run_deployment import run_deployment
from slipyard.pipeline.stop_app import stop_app
from tests.flow.conftest import ON_POSTGRESQL
from tests.flow.deaths import Killed
from tests.flow.rollouts import Nth, Shop, doomed, failing, new_shop
from tests.flow.system import System

ONE_BY_ONE = {"max_surge": 1, "max_unavailable": 0}


async def assert_as_before(shop: Shop) -> None:
    """Three instances of version 1 serve, and nothing else is left."""
    first, last = shop.system.deployments(shop.app_id)[0], shop.last
    assert shop.serving == {first.id: 3}
    assert set((await shop.route()).addresses) == shop.addresses(first)
    assert first.status is DeploymentStatus.ACTIVE
    assert not shop.addresses(last)
    shop.system.clock.ahead += 60
    await shop.system.settle()
    assert await shop.running() == 3


async def test_one_by_one_there_are_never_more_than_one_above_nor_fewer_than_asked(system: System) -> None:
    shop = await new_shop(system, **ONE_BY_ONE)
    shop.watch()

    last = await shop.deploy(2)

    assert last.status is DeploymentStatus.ACTIVE
    assert shop.serving == {last.id: 3}
    assert [len(route.addresses) for route, _ in shop.seen] == [3, 3, 3]
    assert "1 of 3 new instances serve beside 2 old ones." in system.deployment_log(last.id)


async def test_an_old_one_may_go_first_where_there_is_no_room_above(system: System) -> None:
    shop = await new_shop(system, max_surge=0, max_unavailable=1)
    shop.watch()

    last = await shop.deploy(2)

    assert shop.serving == {last.id: 3}
    assert min(len(route.addresses) for route, _ in shop.seen) == 2


async def test_an_only_instance_that_may_be_missing_leaves_requests_waiting_for_the_next(system: System) -> None:
    shop = await new_shop(system, replicas=1, max_surge=0, max_unavailable=1)
    shop.watch()

    last = await shop.deploy(2)

    assert [route.state for route, _ in shop.seen] == [RouteState.REPLACING, RouteState.AWAKE]
    assert shop.serving == {last.id: 1}


async def test_blue_green_switches_once(system: System) -> None:
    shop = await new_shop(system, strategy="blue_green")
    shop.watch()

    last = await shop.deploy(2)

    assert [(len(set(route.addresses)), running) for route, running in shop.seen] == [(3, 6)]
    assert set(shop.seen[0][0].addresses) == shop.addresses(last)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("call", ["start", "wait_ready"])
async def test_a_batch_that_fails_brings_back_what_had_made_room(system: System, call: str, nth: int) -> None:
    shop = await new_shop(system, **ONE_BY_ONE)
    await shop.ask(2)
    broken = Nth(system.context.driver, call, nth, RolloutFailed("out of luck", log_tail=["last words"]))
    kind, row_id = system.queue.waiting.popleft()

    await run_deployment(failing(system.context, "driver", broken), row_id)

    assert (kind, shop.last.status, shop.last.error) == ("deploy", DeploymentStatus.FAILED, "out of luck")
    assert shop.last.log_tail == ["last words"]
    await assert_as_before(shop)


@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_a_cancel_in_any_batch_brings_back_what_had_made_room(system: System, nth: int) -> None:
    shop = await new_shop(system, **ONE_BY_ONE)
    await shop.ask(2)
    waits = system.context.driver.wait_ready
    calls = 0

    async def cancelling(*arguments):
        nonlocal calls
        calls += 1
        if calls == nth:
            await cancel_deployment(system.context, shop.app_id, shop.last.id, system.actor)
        await waits(*arguments)

    system.context.driver.wait_ready = cancelling
    await system.work()

    assert shop.last.status is DeploymentStatus.CANCELLED
    await assert_as_before(shop)


@ON_POSTGRESQL
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(("part", "call"), [("driver", "start"), ("driver", "wait_ready"), ("router", "switch")])
async def test_a_worker_killed_in_any_batch_is_followed_by_one_that_goes_on(
    system: System, part: str, call: str, nth: int, *, after: bool
) -> None:
    shop = await new_shop(system, **ONE_BY_ONE)
    await shop.ask(2)
    deadly = Nth(getattr(system.context, part), call, nth, Killed(), after)
    with pytest.raises(Killed):
        await run_deployment(doomed(system, part, deadly), system.queue.waiting.popleft()[1])

    await system.settle()
    system.clock.ahead += 60
    await system.settle()

    assert (shop.last.status, shop.last.attempt) == (DeploymentStatus.ACTIVE, 2)
    assert shop.serving == {shop.last.id: 3}
    assert set((await shop.route()).addresses) == shop.addresses(shop.last)
    assert len(shop.instances(InstanceStatus.RETIRED)) == 3
    assert await shop.running() == 3


async def test_a_worker_killed_while_it_brings_back_the_old_ones_is_followed_by_one_that_rolls_on(
    system: System,
) -> None:
    shop = await new_shop(system, **ONE_BY_ONE)
    await shop.ask(2)
    context = doomed(system, "driver", Nth(system.context.driver, "wait_ready", 2, RolloutFailed("out of luck")))
    context = failing(context, "driver", Nth(context.driver, "start", 3, Killed(), after=True))
    with pytest.raises(Killed):
        await run_deployment(context, system.queue.waiting.popleft()[1])

    await system.settle()
    system.clock.ahead += 60
    await system.settle()

    assert shop.last.status is DeploymentStatus.ACTIVE
    assert shop.serving == {shop.last.id: 3}
    assert await shop.running() == 3


async def test_what_cannot_be_brought_back_is_said_and_the_rest_serves_on(system: System) -> None:
    shop = await new_shop(system, **ONE_BY_ONE)
    await shop.ask(2)
    context = failing(system.context, "driver", Nth(system.context.driver, "wait_ready", 2, RolloutFailed("bad")))
    context = failing(context, "driver", Nth(context.driver, "start", 3, Unavailable("The engine is away.")))

    await run_deployment(context, system.queue.waiting.popleft()[1])

    first = system.deployments(shop.app_id)[0]
    assert (shop.last.status, shop.last.error) == (DeploymentStatus.FAILED, "bad")
    assert "could be started again: The engine is away." in system.deployment_log(shop.last.id)
    assert shop.serving == {first.id: 2}
    assert set((await shop.route()).addresses) == shop.addresses(first)


async def test_an_app_that_is_stopped_meanwhile_brings_nothing_back(system: System) -> None:
    shop = await new_shop(system, **ONE_BY_ONE)
    await shop.ask(2)
    switch = system.context.router.switch

    async def stopping(route):
        await switch(route)
        system.context.router.switch = switch
        await stop_app(system.context, shop.app_id, system.actor)

    system.context.router.switch = stopping
    await system.work()
    await system.control("follow_routes")

    assert shop.last.status is DeploymentStatus.CANCELLED
    assert shop.serving == {}
    assert (await shop.route()).state is RouteState.STOPPED


async def test_fewer_and_more_replicas_are_rolled_to(system: System) -> None:
    shop = await new_shop(system, replicas=2, **ONE_BY_ONE)
    for replicas in (5, 1):
        config = system.app(shop.app_id).config.model_copy(update={"min_instances": replicas, "max_instances": 5})
        await change_app(system.context, shop.app_id, AppChanges(config=config), system.actor)
        last = await shop.deploy(replicas + 10)
        assert shop.serving == {last.id: replicas}
