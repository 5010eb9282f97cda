"""The log of a build or a deployment: a file of lines, appended by one process and followed by others.

Lines are not rows: a build writes a million of them in seconds, and a reader resumes at a byte.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 65536
_LOOK_SECONDS = 0.04  # a stat of an open file costs 2 us and works on every file system, unlike inotify
_LOOKS_BEFORE_ASKING = 5  # `is_over` asks the database, so it is asked less often than the file


@dataclass(frozen=True)
class LogFile:
    path: Path

    def append(self, lines: Iterable[str]) -> None:
        """One write for all `lines`, so that lines of two writers never mix. A line ends where it has a line break."""
        data = "".join(line.rstrip("\n") + "\n" for line in lines).encode(errors="replace")
        if not data:
            return
        descriptor = self._open_for_append()
        try:
            _write_all(descriptor, data)
        finally:
            os.close(descriptor)

    def size(self) -> int:
        """Bytes; 0 where nothing was written yet."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, offset: int, limit: int = _CHUNK) -> bytes:
        """At most `limit` bytes from byte `offset`; empty at the end and where nothing was written yet."""
        try:
            with self.path.open("rb", buffering=0) as file:
                return os.pread(file.fileno(), limit, offset)
        except FileNotFoundError:
            return b""

    def tail(self, lines: int) -> list[str]:
        """The last `lines` lines, without their line breaks. Reads only the end of the file."""
        position, found = self.size(), b""
        while position > 0 and found.count(b"\n") <= lines:
            start = max(0, position - _CHUNK)
            found = self.read(start, position - start) + found
            position = start
        return found.decode(errors="replace").splitlines()[-lines:] if lines > 0 else []

    def _open_for_append(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self.path, flags, 0o600)
        except FileNotFoundError:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, flags, 0o600)


async def follow(path: Path, offset: int, is_over: Callable[[], Awaitable[bool]]) -> AsyncIterator[tuple[int, bytes]]:
    """Yields (next offset, chunk) from byte `offset` on, until `is_over()` and everything was read.

    New bytes arrive within 50 ms. Resumes anywhere: the next offset is what a reader brings back. A last line without
    a line break comes as it is; a character may be cut between two chunks.
    """
    log = LogFile(path)
    ending = False
    while True:
        while chunk := await asyncio.to_thread(log.read, offset):
            offset += len(chunk)
            yield offset, chunk
        if ending:
            return
        ending = await _until_grown_or_over(log, offset, is_over)


async def _until_grown_or_over(log: LogFile, offset: int, is_over: Callable[[], Awaitable[bool]]) -> bool:
    """True where it is over: then whoever reads once more has read everything, since nothing is written after."""
    looks = 0
    while log.size() <= offset:
        if looks % _LOOKS_BEFORE_ASKING == 0 and await is_over():
            return True
        looks += 1
        await asyncio.sleep(_LOOK_SECONDS)
    return False


def _write_all(descriptor: int, data: bytes) -> None:
    """A file takes everything in one write; less means a full disk, which the next write says."""
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])
