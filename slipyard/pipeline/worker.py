"""A worker: one RQ queue, one job at a time, all of it on one event loop that lives as long as the process."""

import asyncio
import signal
import sys
from types import FrameType
from typing import Any

import structlog
from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from slipyard.domain.settings import Settings
from slipyard.pipeline.assemble import assemble, redis_url
from slipyard.pipeline.context import Context
from slipyard.pipeline.queue import WakeUp, WorkKind, open_queue
from slipyard.pipeline.run_build import run_build
from slipyard.pipeline.run_deployment import run_deployment
from slipyard.store.installation import load_installation

_log = structlog.get_logger()
_VERBS = {"build": run_build, "deploy": run_deployment}


class Worker(SimpleWorker):
    """On SIGTERM the job's task is cancelled: it releases its claim, and the next worker resumes the row."""

    def __init__(self, *arguments: Any, runner: asyncio.Runner, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._runner = runner
        self._task: asyncio.Task[None] | None = None

    def perform_verb(self, context: Context, kind: WorkKind, row_id: str) -> None:
        async def run() -> None:
            self._task = asyncio.current_task()
            await _VERBS[kind](context, row_id)

        try:
            self._runner.run(run())
        except asyncio.CancelledError:
            _log.info("work_given_back", row_id=row_id)
        finally:
            self._task = None

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        if self._task is not None:
            self._runner.get_loop().call_soon_threadsafe(self._task.cancel)
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def main(kind: WorkKind) -> None:
    """Runs until SIGTERM. The settings come from the environment."""
    installation = load_installation(Settings())
    with asyncio.Runner() as runner:
        context = runner.run(assemble(installation))
        connection = Redis.from_url(redis_url(installation))
        worker = Worker(
            [open_queue(connection, installation.id, kind)],
            connection=connection,
            runner=runner,
            job_class=WakeUp,
            serializer=JSONSerializer,
            log_job_description=False,
        )
        WakeUp.actions = {kind: lambda row_id: worker.perform_verb(context, kind, row_id)}
        signal.signal(signal.SIGTERM, worker.request_stop)
        worker.work(logging_level="WARNING")
    sys.exit(0)
