"""What the instances of an app write, in the order of time, now or as it comes; of those that are gone what was kept."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from slipyard.clients.container_engine import LogLine
from slipyard.deployer.driver import Driver
from slipyard.domain.errors import NotFound
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.schemas.runtime_output import LogEntry
from slipyard.store.kept_output import KeptOutput
from slipyard.store.tables import Instance

_WAITING_LINES = 1000
_READERS_AT_ONCE = 8


@dataclass(frozen=True)
class LogQuery:
    """`lines` of all instances together; `stream` is stdout or stderr."""

    lines: int
    since: datetime | None = None
    until: datetime | None = None
    stream: str | None = None
    search: str | None = None

    def wants(self, line: LogLine) -> bool:
        return (
            self.stream in {None, line.stream}
            and (self.search is None or self.search in line.message)
            and (self.since is None or line.timestamp >= self.since)
            and (self.until is None or line.timestamp <= self.until)
        )

    @property
    def filters(self) -> bool:
        return self.stream is not None or self.search is not None or self.until is not None


@dataclass(frozen=True)
class LogSource:
    """Where the output of instances is: in the engine, and on disk once they are gone."""

    driver: Driver
    kept: KeptOutput


async def recent_logs(source: LogSource, rows: Sequence[Instance], query: LogQuery) -> tuple[list[LogEntry], bool]:
    """The newest lines, oldest first, and whether there are more before them."""
    places = asyncio.Semaphore(_READERS_AT_ONCE)
    found = await asyncio.gather(*(_recent(source, row, query, places) for row in rows))
    entries = sorted((entry for some in found for entry in some), key=lambda entry: entry.timestamp)
    return entries[-query.lines :], len(entries) > query.lines


async def follow_logs(source: LogSource, rows: Sequence[Instance], query: LogQuery) -> AsyncIterator[LogEntry]:
    """Until every instance is gone, or the reader is. What is gone already comes first."""
    gone = [row for row in rows if row.status is InstanceStatus.RETIRED]
    for kept in (await recent_logs(source, gone, query))[0] if gone else ():
        yield kept
    lines: asyncio.Queue[LogEntry | None] = asyncio.Queue(_WAITING_LINES)
    there = [row for row in rows if row.status is not InstanceStatus.RETIRED]
    readers = [asyncio.create_task(_pour(source.driver, row.id, query, lines)) for row in there]
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


async def _recent(source: LogSource, row: Instance, query: LogQuery, places: asyncio.Semaphore) -> list[LogEntry]:
    async with places:
        if row.status is not InstanceStatus.RETIRED:
            try:
                return await _from_engine(source.driver, row.id, query)
            except NotFound:
                pass  # it went while we asked
        kept = await asyncio.to_thread(source.kept.read, row.app_id, row.id)
        return _newest(kept, row.id, query)


async def _from_engine(driver: Driver, instance_id: str, query: LogQuery) -> list[LogEntry]:
    """One line more than asked for tells whether there are more; a filter needs all of them."""
    tail = None if query.filters else query.lines + 1
    lines = driver.logs(instance_id, tail=tail, since=query.since)
    return _newest([line async for line in lines if query.wants(line)], instance_id, query)


def _newest(lines: Iterable[LogLine], instance_id: str, query: LogQuery) -> list[LogEntry]:
    return [_entry(line, instance_id) for line in lines if query.wants(line)][-(query.lines + 1) :]


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
