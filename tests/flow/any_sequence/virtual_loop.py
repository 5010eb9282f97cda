"""An event loop on one thread whose time passes only when nobody has anything to do: what happens, and when, is decided by
who asks, and by nothing else. Everything that waits in asyncio waits in this time, `asyncio.timeout` too."""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
BEGINNING = datetime(2030, 1, 1, tzinfo=UTC)


class OneThread(ThreadPoolExecutor):
    """Does at once what is given to a thread: nobody overtakes anybody."""

    def submit(self, work: Callable[..., T], /, *arguments: Any, **options: Any) -> "Future[T]":
        done: Future[T] = Future()
        try:
            done.set_result(work(*arguments, **options))
        except BaseException as error:  # noqa: BLE001 - whoever awaits it gets it
            done.set_exception(error)
        return done


class JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """Does not wait until the next moment that somebody waits for: it is there."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> Any:
        events = super().select(0)
        if not events:
            assert timeout is not None, "everybody waits, and nothing will come"
            self.seconds += max(0.0, timeout)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)
        self.set_default_executor(OneThread())

    def time(self) -> float:
        return self._jumping.seconds


class LoopClock:
    """A `Clock` of that time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
