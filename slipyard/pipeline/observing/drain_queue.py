"""Lines that wait to be forwarded: a bounded lane for each app, so that a flood of one takes no room from another."""

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field

from slipyard.domain.drain import DrainLine

_LANE_LINES, _LANE_BYTES = 5000, 1024 * 1024
_BATCH_LINES, _BATCH_BYTES = 1000, 512 * 1024
_TURN_LINES = 100  # of one app, before the next has its turn
PATIENCE_SECONDS = 10.0


@dataclass
class _Lane:
    lines: deque[DrainLine] = field(default_factory=deque)
    bytes: int = 0
    drops: bool = False

    @property
    def is_full(self) -> bool:
        return len(self.lines) >= _LANE_LINES or self.bytes >= _LANE_BYTES

    def append(self, line: DrainLine) -> None:
        self.lines.append(line)
        self.bytes += line.size

    def popleft(self) -> DrainLine:
        line = self.lines.popleft()
        self.bytes -= line.size
        return line


class DrainQueue:
    """One reader. Whoever puts waits for room, so that the rest stays where the engine keeps it; once he has waited for
    `patience` seconds in vain, what finds no room is dropped and counted, until there is room again."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self.dropped = 0
        self._patience = patience
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)  # by app
        self._turns: deque[str] = deque()  # of apps whose lane holds something
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    async def put(self, line: DrainLine) -> None:
        lane = self._lanes[line.app]
        if lane.is_full and not lane.drops:
            lane.drops = not await self._has_room(lane)
        if lane.is_full:
            self.dropped += 1
            return
        lane.drops = False
        if not lane.lines:
            self._turns.append(line.app)
        lane.append(line)
        self._filled.set()

    async def take(self) -> list[DrainLine]:
        """At least one line, at most 1000 or half a MiB of them; the apps in turn."""
        await self._filled.wait()
        batch: list[DrainLine] = []
        size = 0
        while self._turns and len(batch) < _BATCH_LINES and size < _BATCH_BYTES:
            turn = self._turn()
            batch += turn
            size += sum(line.size for line in turn)
        if not self._turns:
            self._filled.clear()
        self._emptied.set()
        self._emptied = asyncio.Event()
        return batch

    def _turn(self) -> list[DrainLine]:
        app = self._turns.popleft()
        lane = self._lanes[app]
        lines = [lane.popleft() for _ in range(min(_TURN_LINES, len(lane.lines)))]
        if lane.lines:
            self._turns.append(app)
        return lines

    async def _has_room(self, lane: _Lane) -> bool:
        try:
            async with asyncio.timeout(self._patience):
                while lane.is_full:
                    await self._emptied.wait()
        except TimeoutError:
            return False
        return True
