"""Which loops could find something to do. Most of an idle second none of them can, and then none reads anything."""

import asyncio
from collections.abc import Collection

from sqlalchemy import select
from sqlmodel import Session

from slipyard.controller.waiting import WAITING
from slipyard.pipeline.context import Context
from slipyard.store.changes import ChangeMark

_FRESH_SECONDS = 0.4
_NET_SECONDS = 30.0  # a loop has a pass at least this often, whatever the rows say


class News:
    """Asks the database once for all loops that want to know within a moment."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._change_mark = ChangeMark(context.database)
        self._lock = asyncio.Lock()
        self._looked = -_FRESH_SECONDS
        self._mark: object = None
        self._waiting: Collection[str] = WAITING

    async def wants(self, loop: str, last_pass: float) -> bool:
        """`last_pass` is the moment of its last pass on the boot clock."""
        now = self._context.clock.monotonic()
        return now - last_pass >= _NET_SECONDS or loop not in WAITING or loop in await self._now_waiting()

    async def _now_waiting(self) -> Collection[str]:
        async with self._lock:
            if self._context.clock.monotonic() - self._looked > _FRESH_SECONDS:
                await self._look()
                self._looked = self._context.clock.monotonic()
            return self._waiting

    async def _look(self) -> None:
        """The mark is read first: what is written after it is seen at the next look."""
        mark = await asyncio.to_thread(self._change_mark.read)
        if mark != self._mark:
            self._waiting = await self._context.database.reading(_names)
            self._mark = mark

    def close(self) -> None:
        self._change_mark.close()


def _names(session: Session) -> list[str]:
    found = session.execute(select(*WAITING.values())).one()
    return [name for name, waits in zip(WAITING, found, strict=True) if waits]
