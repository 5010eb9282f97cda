"""Which loops could find something to do. Most of an idle second none of them can, and then none of them wakes up."""

import asyncio

import structlog
from sqlalchemy import select
from sqlmodel import Session

from slipyard.controller.waiting import WAITING
from slipyard.pipeline.context import Context
from slipyard.store.changes import ChangeMark

_LOOK_SECONDS = 0.5
_NET_SECONDS = 30.0  # a loop has a pass at least this often, whatever the rows say
_log = structlog.get_logger()


class News:
    """Looks for all loops at once. At the start all are wanted."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._change_mark = ChangeMark(context.database)
        self._mark: object = None
        self._wanted = {name: asyncio.Event() for name in WAITING}
        self._all_at = context.clock.monotonic()
        self._want(set(WAITING))

    @property
    def wanted(self) -> set[str]:
        return {name for name, event in self._wanted.items() if event.is_set()}

    async def until_wanted(self, loop: str) -> None:
        """At once for a loop that has more to look at than rows."""
        if loop in self._wanted:
            await self._wanted[loop].wait()

    async def keep_looking(self) -> None:
        """Until cancelled. Where the database is away all loops are wanted, and say so themselves."""
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - whatever it is, it is logged and the loops live
                _log.exception("look_failed")
                self._want(set(WAITING))
            await self._context.clock.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """The mark is read first: what is written after it is seen at the next look."""
        mark = await asyncio.to_thread(self._change_mark.read)
        now = self._context.clock.monotonic()
        if now - self._all_at >= _NET_SECONDS:
            self._all_at, self._mark = now, None
            self._want(set(WAITING))
        elif mark != self._mark:
            self._want(await self._context.database.reading(_names))
            self._mark = mark

    def close(self) -> None:
        self._change_mark.close()

    def _want(self, names: set[str]) -> None:
        for name, event in self._wanted.items():
            if name in names:
                event.set()
            else:
                event.clear()


def _names(session: Session) -> set[str]:
    found = session.execute(select(*WAITING.values())).one()
    return {name for name, waits in zip(WAITING, found, strict=True) if waits}
