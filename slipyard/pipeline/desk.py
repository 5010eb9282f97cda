"""The desk of a worker: many attempts at once on one event loop, each row once, never more than it has room for."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

_log = structlog.get_logger()


class Desk:
    def __init__(self, verb: Callable[[str], Awaitable[None]], room: int) -> None:
        self._verb = verb
        self._room = asyncio.Semaphore(room)
        self._at_work: dict[str, asyncio.Task[None]] = {}

    @property
    def has_room(self) -> bool:
        return not self._room.locked()

    def take(self, row_id: str) -> None:
        """A second wake-up for what is on the desk already says nothing new."""
        if row_id not in self._at_work:
            task = asyncio.create_task(self._do(row_id))
            self._at_work[row_id] = task
            task.add_done_callback(lambda _: self._at_work.pop(row_id, None))

    async def clear(self) -> None:
        """Ends every attempt: each gives its claim back, and the next worker resumes the row."""
        tasks = list(self._at_work.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _do(self, row_id: str) -> None:
        async with self._room:
            try:
                await self._verb(row_id)
            except Exception:  # noqa: BLE001 - one row's trouble must not end the others'
                _log.exception("work_broke", row_id=row_id)
