"""Output of instances goes to log drains as it is written. What a drain does not take in time waits, then is dropped and counted.

At least once: another leader goes on behind the last line that was sent, and may send that one again.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from slipyard.clients.log_sinks.sink import LogSink, sink_for
from slipyard.domain.drain import DrainLine
from slipyard.domain.errors import SlipyardError, UserError
from slipyard.pipeline.context import Context
from slipyard.pipeline.observing.drain_queue import DrainQueue
from slipyard.pipeline.observing.log_drains import target_of
from slipyard.store.drain_progress import DrainProgress, forget_progress, read_progress, write_progress
from slipyard.store.queries.log_drains import Writer, enabled_drains, writers
from slipyard.store.tables import LogDrain

_LOOK_SECONDS = 2.0
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0
_log = structlog.get_logger()


async def forward_output(context: Context) -> None:
    """Lasts as long as there are drains: what it has begun ends with it."""
    under_way: dict[str, Forwarding] = {}
    try:
        while drains := await context.database.reading(enabled_drains):
            there = await context.database.reading(writers)
            for gone in under_way.keys() - {_version(row) for row in drains}:
                await _end(context, under_way.pop(gone))
            for row in drains:
                forwarding = under_way.get(_version(row)) or await _begin(context, row)
                under_way[_version(row)] = forwarding
                forwarding.follow([each for each in there if _is_for(row, each)])
                await forwarding.save()
            await context.clock.sleep(_LOOK_SECONDS)
    finally:
        for forwarding in under_way.values():
            await asyncio.shield(_end(context, forwarding))


async def _begin(context: Context, row: LogDrain) -> "Forwarding":
    progress = await asyncio.to_thread(read_progress, context.layout.drains, row.id)
    sink = sink_for(target_of(context, row), context.settings.domain, context.settings.allowed_networks)
    return Forwarding(context, row, sink, progress)


async def _end(context: Context, forwarding: "Forwarding") -> None:
    """One that was removed, and not only changed, leaves nothing."""
    await forwarding.end()
    row = forwarding.row
    if await context.database.reading(lambda session: session.get(LogDrain, row.id)) is None:
        await asyncio.to_thread(forget_progress, context.layout.drains, row.id)


def _version(row: LogDrain) -> str:
    """A drain that was changed begins anew, behind what it has sent."""
    return f"{row.id} {row.url_encrypted.hex()} {(row.authorization_encrypted or b'').hex()} {row.tenant}"


def _is_for(row: LogDrain, writer: Writer) -> bool:
    return row.organization_id == writer.organization_id and row.app_id in {None, writer.app_id}


@dataclass
class Forwarding:
    """One drain: a reader for each instance, and one who sends."""

    context: Context
    row: LogDrain
    sink: LogSink
    progress: DrainProgress
    queue: DrainQueue = field(default_factory=DrainQueue)
    _readers: dict[str, asyncio.Task[None]] = field(default_factory=dict)  # by instance
    _read_up_to: dict[str, datetime] = field(default_factory=dict)
    _sender: asyncio.Task[None] | None = None
    _dropped_before: int = -1
    _saved: str = ""

    def follow(self, there: Sequence[Writer]) -> None:
        """An instance that was started again is read again, from where its reader ended."""
        if self._sender is None:
            self._dropped_before = self.progress.dropped
            self._sender = asyncio.create_task(self._send_on())
        known = {writer.instance_id for writer in there}
        self.progress.positions = {key: at for key, at in self.progress.positions.items() if key in known}
        for writer in there:
            reader = self._readers.get(writer.instance_id)
            if reader is None or reader.done():
                self._readers[writer.instance_id] = asyncio.create_task(self._read(writer))
        for gone in [key for key, reader in self._readers.items() if key not in known and reader.done()]:
            del self._readers[gone]

    async def save(self) -> None:
        self.progress.dropped = self._dropped_before + self.queue.dropped
        if self._saved != repr(self.progress):
            self._saved = repr(self.progress)
            await asyncio.to_thread(write_progress, self.context.layout.drains, self.row.id, self.progress)

    async def end(self) -> None:
        tasks = [*self._readers.values(), *((self._sender,) if self._sender else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.sink.close()
        await self.save()

    async def _read(self, writer: Writer) -> None:
        """What cannot be read now is read at the next look."""
        read = self._read_up_to.get(writer.instance_id)
        begin = read or self.progress.position(writer.instance_id) or self.row.created_at
        lines = self.context.driver.logs(writer.instance_id, since=begin, follow=True)
        with suppress(SlipyardError):
            async with aclosing(lines) as reading:  # type: ignore[type-var]
                async for line in reading:
                    if line.timestamp >= begin and line.timestamp != read:
                        await self.queue.put(_drain_line(writer, line.timestamp, line.stream, line.message))
                        self._read_up_to[writer.instance_id] = line.timestamp

    async def _send_on(self) -> None:
        while True:
            batch = await self.queue.take()
            await self._deliver(batch)
            for line in batch:
                self.progress.positions[line.instance_id] = line.at.isoformat()

    async def _deliver(self, batch: list[DrainLine]) -> None:
        """Again and again, until it has arrived or is refused."""
        wait = _FIRST_WAIT
        while True:
            try:
                await self.sink.send(batch)
            except UserError as error:
                self.progress.refused += len(batch)
                self.progress.last_error = error.message
                return
            except SlipyardError as error:
                self.progress.last_error = error.message
                await self.context.clock.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
            else:
                self.progress.sent += len(batch)
                self.progress.last_error = None
                return


def _drain_line(writer: Writer, at: datetime, stream: str, message: str) -> DrainLine:
    return DrainLine(at.astimezone(UTC), writer.app, writer.service, writer.instance_id, stream, message)
