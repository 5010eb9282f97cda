"""A worker does next what it woke itself, where it has room; what it cannot do now becomes a message for another."""

import asyncio

from slipyard.pipeline.desk import Desk
from slipyard.pipeline.hand_over import HandOver


class Messages:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    async def wake(self, kind, row_id):
        self.sent.append((kind, row_id))


def at_work() -> tuple[Desk, asyncio.Queue[str], asyncio.Event]:
    begun: asyncio.Queue[str] = asyncio.Queue()
    may_end = asyncio.Event()

    async def verb(row_id: str) -> None:
        begun.put_nowait(row_id)
        await may_end.wait()

    return Desk(verb, 1), begun, may_end


async def test_what_another_kind_of_worker_does_is_sent() -> None:
    messages = Messages()
    queue = HandOver(messages)
    queue.desks = {"deploy": at_work()[0]}

    await queue.wake("build", "bld_1")

    assert messages.sent == [("build", "bld_1")]


async def test_a_full_desk_leaves_the_row_to_others() -> None:
    messages = Messages()
    queue = HandOver(messages)
    desk, begun, may_end = at_work()
    queue.desks = {"deploy": desk}
    await queue.wake("deploy", "dep_1")
    assert await begun.get() == "dep_1"

    await queue.wake("deploy", "dep_2")

    assert messages.sent == [("deploy", "dep_2")]
    assert begun.empty()
    may_end.set()
    await desk.clear()


async def test_what_it_does_itself_needs_no_message() -> None:
    messages = Messages()
    queue = HandOver(messages)
    desk, begun, may_end = at_work()
    queue.desks = {"deploy": desk}

    await queue.wake("deploy", "dep_1")

    assert await begun.get() == "dep_1"
    assert messages.sent == []
    may_end.set()
    await desk.clear()
