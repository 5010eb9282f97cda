"""Old instances finish what they answer, up to their deadline; one that will not stop keeps no other from going."""

import asyncio

from slipyard.domain.errors import Unavailable
from slipyard.domain.lifecycle import InstanceStatus
from tests.flow.rollouts import Shop, new_shop
from tests.flow.system import System


async def replaced(system: System, **rollout) -> Shop:
    """Version 1 is out of the route."""
    shop = await new_shop(system, replicas=2, strategy="blue_green", **rollout)
    await shop.deploy(2)
    return shop


async def drain(system: System, passes: int = 4) -> None:
    for _ in range(passes):
        await system.control("drain")


async def test_an_open_websocket_is_waited_for_until_the_deadline_that_the_app_gave(system: System) -> None:
    shop = await replaced(system, drain_seconds=0.3)
    for row in shop.instances(InstanceStatus.RETIRING):
        system.caddy.requests[f"{row.address}:3000"] = 1

    await drain(system)
    assert await shop.running() == 4
    while shop.instances(InstanceStatus.RETIRING):
        await drain(system, 1)
        await asyncio.sleep(0)
    assert await shop.running() == 2


async def test_the_deadline_of_the_app_may_be_none(system: System) -> None:
    shop = await replaced(system, drain_seconds=0)
    for row in shop.instances(InstanceStatus.RETIRING):
        system.caddy.requests[f"{row.address}:3000"] = 1

    await drain(system, 1)

    assert await shop.running() == 2


async def test_the_grace_of_the_app_is_what_the_engine_is_given(system: System) -> None:
    shop = await new_shop(system, replicas=1, stop_seconds=77)
    stop, graces = system.engine.stop, []

    async def stopping(container_id: str, grace: float) -> None:
        graces.append(grace)
        await stop(container_id, grace)

    system.engine.stop = stopping
    await shop.deploy(2)
    await drain(system)

    assert set(graces) == {77}


async def test_one_that_ignores_its_signal_keeps_nobody_waiting(system: System) -> None:
    shop = await replaced(system)
    stubborn, other = shop.instances(InstanceStatus.RETIRING)
    stop, let_go = system.engine.stop, asyncio.Event()

    async def stopping(container_id: str, grace: float) -> None:
        if container_id == stubborn.container_id:
            await let_go.wait()
        await stop(container_id, grace)

    system.engine.stop = stopping
    await drain(system)
    assert [row.id for row in shop.instances(InstanceStatus.RETIRED)] == [other.id]
    let_go.set()
    await drain(system, 1)
    assert len(shop.instances(InstanceStatus.RETIRED)) == 2


async def test_an_engine_that_is_away_is_asked_again(system: System) -> None:
    shop = await replaced(system)
    system.engine.fail_next("stop", Unavailable("away"), times=2)

    await drain(system, 6)

    assert await shop.running() == 2
