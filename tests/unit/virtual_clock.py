"""Time that passes only when nobody has anything to do."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

_TURNS_UNTIL_IDLE = 50


class VirtualClock:
    def __init__(self) -> None:
        self._seconds = 0.0
        self._numbers = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + seconds, next(self._numbers), woken))
        await woken

    async def pass_by(self) -> None:
        """Lets everybody run until they wait, then goes to the next moment that somebody waits for."""
        while True:
            for _ in range(_TURNS_UNTIL_IDLE):
                await asyncio.sleep(0)
            if self._sleepers:
                moment, _, woken = heapq.heappop(self._sleepers)
                if not woken.done():
                    self._seconds = moment
                    woken.set_result(None)


@asynccontextmanager
async def passing(clock: VirtualClock) -> AsyncIterator[VirtualClock]:
    flow = asyncio.create_task(clock.pass_by())
    try:
        yield clock
    finally:
        flow.cancel()
