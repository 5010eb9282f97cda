"""Between pushes to our registry and its cleaning: many may push at a time, and nobody does while blobs are set aside.

Two file locks, which the kernel gives back when their holder dies. Whoever pushes goes through the turnstile and takes
a share of the gate; whoever cleans stands in the turnstile until the gate is empty, so that a stream of pushes cannot
keep it out for ever. For all processes of one installation, on one machine.
"""

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipyard.domain.clock import Clock

_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class PushGate:
    directory: Path
    clock: Clock

    @asynccontextmanager
    async def pushing(self) -> AsyncIterator[None]:
        """Waits while somebody cleans, which is bounded there."""
        with _opened(self.directory / "turnstile.lock") as turnstile, _opened(self.directory / "pushes.lock") as gate:
            await self._taken(turnstile, fcntl.LOCK_SH, None)
            await self._taken(gate, fcntl.LOCK_SH, None)
            fcntl.flock(turnstile, fcntl.LOCK_UN)
            yield

    @asynccontextmanager
    async def closed(self, within: float) -> AsyncIterator[bool]:
        """False where pushes that are under way do not end `within` so many seconds; the gate is open then."""
        with _opened(self.directory / "turnstile.lock") as turnstile, _opened(self.directory / "pushes.lock") as gate:
            deadline = self.clock.monotonic() + within
            yield await self._taken(turnstile, fcntl.LOCK_EX, deadline) and await self._taken(
                gate, fcntl.LOCK_EX, deadline
            )

    async def _taken(self, lock: int, how: int, deadline: float | None) -> bool:
        while not _try(lock, how):
            if deadline is not None and self.clock.monotonic() >= deadline:
                return False
            await self.clock.sleep(_LOOK_SECONDS)
        return True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Closing it gives the lock back."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try(lock: int, how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
