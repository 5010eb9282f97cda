"""Bytes that arrive on the event loop and are read by a worker thread, with a bounded amount in between."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator

_MAXIMUM_WAITING = 4 * 1024 * 1024


class FeedBroken(Exception):
    """The sender failed or was cancelled; its own error goes to who awaits the sender."""


class ByteFeed:
    """`pump` runs on the loop, `read` in one thread. Either end closing releases the other."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Event()
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._ended = self._broken = self._unwanted = False
        self._changed = threading.Condition()
        self.received = 0

    async def pump(self, stream: AsyncIterator[bytes]) -> None:
        """Until the stream ends, or until nobody reads any more. The stream is closed in any case."""
        try:
            async for chunk in stream:
                self._put(chunk)
                while self._waiting > _MAXIMUM_WAITING and not self._unwanted:
                    self._room.clear()
                    await self._room.wait()
                if self._unwanted:
                    return
        except BaseException:
            self._broken = True
            raise
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    def read(self, size: int = -1) -> bytes:
        """One chunk as it came, or the part of it that `size` asks for; empty at the end. `FeedBroken` if none came."""
        with self._changed:
            self._changed.wait_for(lambda: self._chunks or self._ended)
            if self._broken:
                raise FeedBroken
            if not self._chunks:
                return b""
            chunk = self._chunks.popleft()
            if 0 <= size < len(chunk):
                self._chunks.appendleft(chunk[size:])
                chunk = chunk[:size]
            self._waiting -= len(chunk)
        if self._waiting <= _MAXIMUM_WAITING // 2:
            self._wake()
        return chunk

    def close(self) -> None:
        """The reader is done, whether it saw the end or not."""
        self._unwanted = True
        self._wake()

    def _put(self, chunk: bytes) -> None:
        if not chunk:
            return
        with self._changed:
            self._chunks.append(chunk)
            self._waiting += len(chunk)
            self.received += len(chunk)
            self._changed.notify()

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._room.set)
