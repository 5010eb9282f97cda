"""Nobody pushes while the registry is cleaned, and nobody cleans while somebody pushes."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from slipyard.clients.push_gate import PushGate


class Impatient:
    """A clock on which each look costs a second."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self):
        raise NotImplementedError

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += 1
        await asyncio.sleep(0)


@pytest.fixture
def gate(tmp_path: Path) -> PushGate:
    return PushGate(tmp_path, Impatient())


async def test_cleaning_gives_up_while_a_push_is_under_way_and_the_gate_is_open_again(gate: PushGate) -> None:
    async with gate.pushing():
        async with gate.closed(within=5) as closed:
            assert not closed
        async with gate.pushing():
            pass
    async with gate.closed(within=5) as closed:
        assert closed


async def test_many_push_at_the_same_time(gate: PushGate) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(gate.pushing())


async def test_a_push_waits_until_the_cleaning_is_over(gate: PushGate) -> None:
    order: list[str] = []

    async def push() -> None:
        async with gate.pushing():
            order.append("pushed")

    async with gate.closed(within=5) as closed:
        assert closed
        pushing = asyncio.create_task(push())
        for _ in range(20):
            await asyncio.sleep(0)
        order.append("cleaned")
    await pushing
    assert order == ["cleaned", "pushed"]


async def test_a_stream_of_pushes_does_not_keep_cleaning_out(gate: PushGate) -> None:
    """Who comes while somebody wants to clean waits for that: the push that is under way is the last."""
    order: list[str] = []
    first = AsyncExitStack()
    await first.enter_async_context(gate.pushing())

    async def clean() -> None:
        async with gate.closed(within=1000) as closed:
            order.append(f"closed {closed}")

    async def push() -> None:
        async with gate.pushing():
            order.append("pushed")

    cleaning = asyncio.create_task(clean())
    for _ in range(5):
        await asyncio.sleep(0)
    pushing = asyncio.create_task(push())
    for _ in range(20):
        await asyncio.sleep(0)
    assert order == []
    await first.aclose()
    await asyncio.gather(cleaning, pushing)
    assert order == ["closed True", "pushed"]


async def test_whoever_ends_in_the_middle_opens_the_gate(gate: PushGate) -> None:
    with pytest.raises(RuntimeError):
        async with gate.closed(within=5):
            raise RuntimeError
    async with gate.pushing():
        pass
