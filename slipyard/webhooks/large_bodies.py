"""How many large bodies are taken at once: their memory is bounded, and small ones always find a free core."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from slipyard.domain.errors import UserError

_HELD = 8  # of 25 MB each
_READ = max(1, (os.cpu_count() or 1) // 2)
_WAITED_SECONDS = 10.0  # then the sender has given up


class Busy(UserError):
    code = "rate_limited"
    status = 429


class LargeBodies:
    """`held`: a place for a body that arrives or waits. `read`: a turn for one that is being examined."""

    def __init__(self) -> None:
        self._held, self._read = asyncio.Semaphore(_HELD), asyncio.Semaphore(_READ)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """`Busy` after 10 seconds."""
        try:
            await asyncio.wait_for(self._held.acquire(), _WAITED_SECONDS)
        except TimeoutError as error:
            raise Busy("Too many large deliveries arrive at once. Send this one again in a minute.") from error
        try:
            yield
        finally:
            self._held.release()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[None]:
        async with self._read:
            yield


_OF_LOOP: WeakKeyDictionary[asyncio.AbstractEventLoop, LargeBodies] = WeakKeyDictionary()


def large_bodies() -> LargeBodies:
    """Those of the running loop: a semaphore belongs to one."""
    return _OF_LOOP.setdefault(asyncio.get_running_loop(), LargeBodies())
