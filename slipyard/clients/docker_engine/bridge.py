"""From a thread that blocks on a stream to the event loop: bounded, in batches, and closed from either end."""

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Bridge(Generic[Item]):
    """The thread waits in `put` while `limit` items lie unread; the reader takes all that wait in one hop."""

    def __init__(self, limit: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._readable = asyncio.Event()
        self._over = False
        self._left = False
        self._error: BaseException | None = None

    def put(self, item: Item) -> bool:
        """For the thread. False where the reader has left: stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._left or len(self._items) < self._limit)
            if self._left:
                return False
            self._items.append(item)
            first = len(self._items) == 1
        if first:
            self._wake()
        return True

    def finish(self, error: BaseException | None = None) -> None:
        """For the thread: nothing follows, or this error does."""
        self._over, self._error = True, error
        self._wake()

    @property
    def left(self) -> bool:
        return self._left

    async def take(self) -> list[Item] | None:
        """For the reader: all that waits, perhaps nothing yet; None at the end. Raises the error after the last item."""
        await self._readable.wait()
        with self._changed:
            items = list(self._items)
            self._items.clear()
            if not self._over:
                self._readable.clear()
            self._changed.notify_all()
        if items or not self._over:
            return items
        if self._error is not None:
            raise self._error
        return None

    def leave(self) -> None:
        """For the reader: frees a thread that waits in `put`."""
        with self._changed:
            self._left = True
            self._changed.notify_all()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._readable.set)
