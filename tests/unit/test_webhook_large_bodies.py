"""How many large bodies are held at once."""

import asyncio

import pytest

from slipyard.webhooks import large_bodies as module
from slipyard.webhooks.large_bodies import Busy, LargeBodies, large_bodies


async def test_one_more_than_are_held_waits_for_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HELD", 1)
    bodies, entered, leave = LargeBodies(), asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with bodies.held():
            entered.set()
            await leave.wait()

    first = asyncio.create_task(hold())
    await entered.wait()
    entered.clear()
    second = asyncio.create_task(hold())
    leave.set()
    await asyncio.gather(first, second)

    assert entered.is_set()


async def test_who_waits_too_long_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HELD", 1)
    monkeypatch.setattr(module, "_WAITED_SECONDS", 0.001)
    bodies = LargeBodies()

    async with bodies.held():
        with pytest.raises(Busy) as refused:
            async with bodies.held():
                pass
    assert (refused.value.status, "again" in refused.value.message) == (429, True)
    async with bodies.held():
        pass  # the place is free again


async def test_the_places_are_those_of_the_loop() -> None:
    assert large_bodies() is large_bodies()
