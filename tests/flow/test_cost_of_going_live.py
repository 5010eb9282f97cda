"""What a deployment and a way back cost, in commits to disk and in calls to the engine: counts, since times depend on the machine."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from slipyard.clients import machine_memory
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.way_back.roll_back import roll_back
from tests.flow.rollouts import new_shop
from tests.flow.system import System


@pytest.fixture(autouse=True)
def nothing_beside(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """No heartbeat falls into what is counted, and the machine has memory to pause instances."""
    system.set(lease_seconds=3600, keep_paused_seconds=600)
    monkeypatch.setattr(machine_memory, "available_share", lambda: 0.5)


@contextmanager
def commits(system: System) -> Iterator[Counter[str]]:
    counted: Counter[str] = Counter()

    def count(_: object) -> None:
        counted["commits"] += 1

    writer = system.context.database.writer
    event.listen(writer, "commit", count)
    try:
        yield counted
    finally:
        event.remove(writer, "commit", count)


async def test_going_back_to_what_is_paused(system: System) -> None:
    """Accepted, claimed, taken over, switched, active: and the engine is asked for one thing."""
    shop = await new_shop(system, 1, drain_seconds=60)
    await shop.deploy(2)
    for _ in range(3):
        await system.control("set_aside")
    system.engine.calls.clear()

    with commits(system) as counted:
        await roll_back(system.context, shop.app_id, None, system.actor)
        await system.work()

    assert shop.last.status is DeploymentStatus.ACTIVE
    assert counted["commits"] == 5
    assert system.engine.calls == {"unpause": 1}


async def test_an_image_that_goes_live(system: System) -> None:
    """Claimed, released, network, planned, started, verifying, ready, switched, active."""
    shop = await new_shop(system, 1, drain_seconds=60)
    await shop.ask(2)
    system.engine.calls.clear()

    with commits(system) as counted:
        await system.work()

    assert shop.last.status is DeploymentStatus.ACTIVE
    assert counted["commits"] == 9
    assert system.engine.calls["create_container"] == system.engine.calls["start"] == 1
    assert not system.engine.calls["create_network"] + system.engine.calls["containers"]
