"""Wake-ups that need no message: what this worker does itself, and has room for, lies on its desk at once."""

from collections.abc import Mapping

from slipyard.pipeline.desk import Desk
from slipyard.pipeline.queue import WorkKind, WorkQueue


class HandOver:
    """A `WorkQueue`. A worker that dies with what lies on its desk is like a message that was lost: the controller wakes
    the row again."""

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue
        self.desks: Mapping[WorkKind, Desk] = {}  # of this worker, once they are there: they work with this queue

    async def wake(self, kind: WorkKind, row_id: str) -> None:
        desk = self.desks.get(kind)
        if desk is not None and desk.has_room:
            desk.take(row_id)
        else:
            await self._queue.wake(kind, row_id)
