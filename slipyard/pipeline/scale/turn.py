"""Who wakes an app, or puts its containers to rest, does so alone, across processes."""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slipyard.pipeline.context import Context

_LOOK_SECONDS = 0.01


@asynccontextmanager
async def turn_of(context: Context, app_id: str) -> AsyncIterator[None]:
    """The lock is the directory of the app's route, and goes with it. Asked for again and again instead of waited for in a
    thread: those who wait would take all threads."""
    directory = context.layout.routes / app_id
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        while not _taken(descriptor):
            await context.clock.sleep(_LOOK_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
