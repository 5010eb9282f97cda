"""What the instances of an app write, in the order of time, now or as it comes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from slipyard.clients.container_engine import LogLine
from slipyard.deployer.driver import Driver
from slipyard.domain.errors import NotFound
from slipyard.domain.schemas.runtime_output import LogEntry

_WAITING_LINES = 1000


@dataclass(frozen=True)
class LogQuery:
    """`lines` of all instances together; `stream` is stdout or stderr."""

    lines: int
    since: datetime | None = None
    stream: str | None = None
    search: str | None = None

    def wants(self, line: LogLine) -> bool:
        return self.stream in {None, line.stream} and (self.search is None or self.search in line.message)


async def recent_logs(driver: Driver, instance_ids: Sequence[str], query: LogQuery) -> tuple[list[LogEntry], bool]:
    """The newest lines, oldest first, and whether there are more before them."""
    found = await asyncio.gather(*(_recent(driver, instance_id, query) for instance_id in instance_ids))
    entries = sorted((entry for some in found for entry in some), key=lambda entry: entry.timestamp)
    return entries[-query.lines :], len(entries) > query.lines


async def follow_logs(driver: Driver, instance_ids: Sequence[str], query: LogQuery) -> AsyncIterator[LogEntry]:
    """Until every instance is gone, or the reader is."""
    lines: asyncio.Queue[LogEntry | None] = asyncio.Queue(_WAITING_LINES)
    readers = [asyncio.create_task(_pour(driver, instance_id, query, lines)) for instance_id in instance_ids]
    try:
        left = len(readers)
        while left:
            entry = await lines.get()
            if entry is None:
                left -= 1
            else:
                yield entry
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


def log_text(entries: Sequence[LogEntry]) -> str:
    return "".join(f"{entry.timestamp.isoformat()} {entry.message}\n" for entry in entries)


async def _recent(driver: Driver, instance_id: str, query: LogQuery) -> list[LogEntry]:
    """One line more than asked for tells whether there are more; a filter needs all of them."""
    tail = None if query.stream or query.search else query.lines + 1
    try:
        lines = driver.logs(instance_id, tail=tail, since=query.since)
        found = [_entry(line, instance_id) async for line in lines if query.wants(line)]
    except NotFound:
        return []  # it went while we asked
    return found[-(query.lines + 1) :]


async def _pour(driver: Driver, instance_id: str, query: LogQuery, into: asyncio.Queue[LogEntry | None]) -> None:
    try:
        async for line in driver.logs(instance_id, tail=query.lines, since=query.since, follow=True):
            if query.wants(line):
                await into.put(_entry(line, instance_id))
    except NotFound:
        pass
    finally:
        await into.put(None)


def _entry(line: LogLine, instance_id: str) -> LogEntry:
    return LogEntry(timestamp=line.timestamp, message=line.message, stream=line.stream, instance_id=instance_id)
