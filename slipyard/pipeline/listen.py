"""RQ's worker in a thread of its own: it hands each id to the event loop, and is done with the message."""

import threading
from collections.abc import Callable, Sequence
from functools import partial

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

from slipyard.pipeline.queue import WakeUp, WorkKind, open_queue

_LOOK_SECONDS = 30
_AGAIN_SECONDS = 1.0
_log = structlog.get_logger()


class _Listener(SimpleWorker):
    """Signals belong to the process, and a thread has no alarm: the two things that RQ would take from the main thread."""

    death_penalty_class = TimerDeathPenalty
    max_connection_wait_time = 2.0

    def _install_signal_handlers(self) -> None:
        """The worker's event loop has them."""


class QueueListener:
    """`hand_over` is called in the thread with each id and its kind; it must return at once."""

    def __init__(
        self,
        redis_url: str,
        installation_id: str,
        kinds: Sequence[WorkKind],
        hand_over: Callable[[WorkKind, str], None],
    ) -> None:
        self._connection = Redis.from_url(redis_url)
        self._queues = [open_queue(self._connection, installation_id, kind) for kind in kinds]
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="queue", daemon=True)
        WakeUp.actions = {kind: partial(hand_over, kind) for kind in kinds}

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """The thread ends with the process: a wake-up that it loses is found by the controller."""
        self._closing.set()

    def _listen(self) -> None:
        """RQ gives up on some errors; we do not."""
        while not self._closing.is_set():
            try:
                self._new_worker().work(logging_level="CRITICAL")
            except RedisError as error:
                _log.warning("queue_away", error=str(error))
            self._closing.wait(_AGAIN_SECONDS)

    def _new_worker(self) -> _Listener:
        return _Listener(
            self._queues,
            connection=self._connection,
            job_class=WakeUp,
            serializer=JSONSerializer,
            worker_ttl=_LOOK_SECONDS,
            log_job_description=False,
        )
