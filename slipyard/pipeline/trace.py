"""What people read while they wait: the log of a build or of a rollout, written as it happens."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from slipyard.store.log_file import LogFile


class Trace:
    def __init__(self, path: Path) -> None:
        self.file = LogFile(path)

    async def say(self, *lines: str) -> None:
        await self.write(lines)

    async def write(self, lines: Iterable[str]) -> None:
        """One write to the file, in a thread: the disk may be slow, and the event loop keeps sessions alive."""
        await asyncio.to_thread(self.file.append, list(lines))
