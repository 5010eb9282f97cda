"""What is sent to a client while the work goes on without it: a full outbox waits, one whose reader left takes all."""

import asyncio
from collections.abc import AsyncIterator


class Outbox:
    def __init__(self, maximum: int = 10_000) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(maximum)
        self._gone = asyncio.Event()

    @property
    def abandoned(self) -> bool:
        return self._gone.is_set()

    async def put(self, data: bytes | None) -> None:
        """None is the end. Dropped where nobody reads any more."""
        putting = asyncio.ensure_future(self._queue.put(data))
        leaving = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({putting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            putting.cancel()
            leaving.cancel()

    async def read(self, keepalive: bytes, seconds: float) -> AsyncIterator[bytes]:
        """`keepalive` whenever nothing came for `seconds`; empty means none."""
        try:
            while True:
                data = await self._get(seconds)
                if data is None:
                    return
                if data or keepalive:
                    yield data or keepalive
        finally:
            self._gone.set()

    async def _get(self, seconds: float) -> bytes | None:
        try:
            return await asyncio.wait_for(self._queue.get(), seconds)
        except TimeoutError:
            return b""
