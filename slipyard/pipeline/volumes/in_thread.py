"""A stream that a thread works on: bytes go in on the event loop, other bytes come out there, and neither side runs ahead."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from typing import Any, Generic, TypeVar

from slipyard.builder.byte_feed import ByteFeed, FeedBroken
from slipyard.builder.compression import Feed
from slipyard.pipeline.volumes.archive import Write

Result = TypeVar("Result")
_WAITING_PIECES = 16
_THREADS = ThreadPoolExecutor(16, thread_name_prefix="volume")  # they take long: others must not wait for one


class _Unwanted(Exception):
    """Nobody reads what comes out any more."""


class InThread(Generic[Result]):
    """`output` may be read once; `result` is there when that has ended well."""

    def __init__(self, source: AsyncIterator[bytes], work: Callable[[Feed, Write], Result]) -> None:
        self._source, self._work = source, work
        self._loop = asyncio.get_running_loop()
        self._feed = ByteFeed()
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_PIECES)
        self._unwanted = False
        self._result: list[Result] = []

    @property
    def result(self) -> Result:
        return self._result[0]

    async def output(self) -> AsyncGenerator[bytes, None]:
        """Raises what the source raises, else what the work does."""
        pumping = asyncio.ensure_future(self._feed.pump(self._source))
        working = self._loop.run_in_executor(_THREADS, self._run)
        try:
            while (piece := await self._pieces.get()) is not None:
                yield piece
            await self._outcome(pumping, working)
        finally:
            self._unwanted = True
            self._feed.close()
            while not self._pieces.empty():  # wakes a thread that waits for room
                self._pieces.get_nowait()
            pumping.cancel()
            await asyncio.gather(pumping, working, return_exceptions=True)

    async def read(self) -> Result:
        """For work that has no output."""
        async with aclosing(self.output()) as output:
            async for _ in output:
                pass
        return self.result

    async def _outcome(self, pumping: "asyncio.Future[Any]", working: "asyncio.Future[Any]") -> None:
        await asyncio.wait({working})
        error = working.exception()
        if error is None:
            return
        if isinstance(error, FeedBroken):
            await pumping
        raise error

    def _run(self) -> None:
        try:
            self._result.append(self._work(self._feed, self._write))
        finally:
            self._feed.close()
            with suppress(_Unwanted):
                self._put(None)

    def _write(self, data: bytes) -> None:
        if data:
            self._put(data)

    def _put(self, piece: bytes | None) -> None:
        if self._unwanted:
            raise _Unwanted
        asyncio.run_coroutine_threadsafe(self._pieces.put(piece), self._loop).result()
