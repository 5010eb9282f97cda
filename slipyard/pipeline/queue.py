"""Wake-ups by RQ. A message carries an id and nothing else: the database is the truth, and a lost message is found again.

RQ's own serialisers run any function that a message names, so our jobs resolve theirs from a fixed table. No retries, no
scheduler, no results: the rows have all of that.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Literal, Protocol

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

WorkKind = Literal["build", "deploy"]
WORK_KINDS: tuple[WorkKind, ...] = ("build", "deploy")

_ENQUEUE_SECONDS = 0.2
_FAILURE_SECONDS = 60
_log = structlog.get_logger()


class WorkQueue(Protocol):
    async def wake(self, kind: WorkKind, row_id: str) -> None:
        """Never raises: where the queue is away, the controller wakes the row later."""


class WakeUp(Job):
    """A job whose function comes from `actions`, whatever the message says."""

    actions: dict[str, Callable[[str], None]] = {}  # noqa: RUF012 - filled once by the worker before it listens

    @property
    def func(self) -> Callable[[str], None]:
        action = self.actions.get(self.func_name or "")
        if action is None:
            raise ValueError(f"A message asks for {self.func_name!r}, which this worker does not do.")
        return action


def queue_name(installation_id: str, kind: WorkKind) -> str:
    return f"slipyard:{installation_id}:{kind}"


def open_queue(connection: Redis, installation_id: str, kind: WorkKind) -> Queue:
    return Queue(
        queue_name(installation_id, kind),
        connection=connection,
        default_timeout=-1,
        job_class=WakeUp,
        serializer=JSONSerializer,
    )


class RqQueue:
    def __init__(self, redis_url: str, installation_id: str) -> None:
        connection: Redis = Redis.from_url(
            redis_url, socket_timeout=_ENQUEUE_SECONDS, socket_connect_timeout=_ENQUEUE_SECONDS
        )
        self._queues = {kind: open_queue(connection, installation_id, kind) for kind in WORK_KINDS}

    async def wake(self, kind: WorkKind, row_id: str) -> None:
        try:
            await asyncio.wait_for(asyncio.to_thread(self._enqueue, kind, row_id), _ENQUEUE_SECONDS * 3)
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("wake_up_lost", kind=kind, row_id=row_id, error=str(error))

    def _enqueue(self, kind: WorkKind, row_id: str) -> Any:
        return self._queues[kind].enqueue_call(kind, args=(row_id,), result_ttl=0, failure_ttl=_FAILURE_SECONDS)
