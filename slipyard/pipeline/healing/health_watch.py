"""What may be asked for its health, and what is remembered of each from pass to pass."""

import asyncio
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from slipyard.domain.health import HealthCheck
from slipyard.domain.release import ServiceSpec

_RESTING_SECONDS = 1.0  # so often one is asked that could come back
_QUESTIONS, _COMMANDS = 64, 4  # at once; a command costs the engine several calls


@dataclass(frozen=True)
class Asked:
    id: str
    app_id: str
    release_id: str
    service: str
    address: str
    port: int | None
    container_id: str
    resting: bool
    trouble: str | None


@dataclass
class HealthWatch:
    """By instance: when it is asked next, how often in a row it complained, and when it was well for the last time."""

    rows: list[Asked] = field(default_factory=list)
    read_at: float | None = None
    due: dict[str, float] = field(default_factory=dict)
    complaints: dict[str, int] = field(default_factory=dict)
    good: dict[str, datetime] = field(default_factory=dict)
    asking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    services: dict[str, Mapping[str, ServiceSpec]] = field(default_factory=dict)  # by release: they never change
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_QUESTIONS))
    command_places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_COMMANDS))

    def check_of(self, row: Asked) -> HealthCheck:
        return self.services[row.release_id][row.service].health_check

    def interval_of(self, row: Asked) -> float:
        interval = self.check_of(row).interval
        return min(interval, _RESTING_SECONDS) if row.resting else interval

    def take_due(self, now: float) -> list[Asked]:
        """Those whose moment has come. The first one of each lies somewhere within its interval."""
        found = []
        for row in self.rows:
            interval = self.interval_of(row)
            due = self.due.setdefault(row.id, now + interval * _share(row.id))
            if now >= due and row.id not in self.asking:
                self.due[row.id] = now + interval
                found.append(row)
        return found

    def take_rows(self, rows: Iterable[Asked], now: float, wall: datetime) -> None:
        """What came back from rest, or went there, is asked in its new rhythm."""
        before = {row.id: row.resting for row in self.rows}
        self.rows, self.read_at = list(rows), now
        ids = {row.id for row in self.rows}
        for memory in (self.due, self.complaints, self.good):
            for instance_id in memory.keys() - ids:
                del memory[instance_id]
        for row in self.rows:
            self.good.setdefault(row.id, wall)
            if before.get(row.id, row.resting) is not row.resting:
                self.due.pop(row.id, None)


def _share(instance_id: str) -> float:
    return zlib.crc32(instance_id.encode()) / 2**32
