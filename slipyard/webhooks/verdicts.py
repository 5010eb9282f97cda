"""The answer to a delivery: what was decided, or where that takes long, that it will be. What is written down is never lost."""

import asyncio
from collections.abc import Coroutine
from dataclasses import asdict
from typing import Any, TypeVar

import structlog

from slipyard.pipeline.context import Context
from slipyard.store.tables import Hook
from slipyard.webhooks.decide import Verdict, decide_delivery
from slipyard.webhooks.write_delivery import Taken

ANSWER_SECONDS = 0.8  # of the 5 to 10 that providers wait; deciding goes on behind the answer
_log = structlog.get_logger()
_under_way: set[asyncio.Task[Any]] = set()
T = TypeVar("T")


async def verdicts(context: Context, hook: Hook, taken: Taken) -> list[dict[str, Any]]:
    """For each app. A fault of ours is not the sender's: `left_open` decides again until it is done."""
    for build_id in taken.builds:
        _behind_the_answer(context.queue.wake("build", build_id))  # a wake-up that is lost is found again
    if taken.verdicts is not None:
        return [asdict(verdict) for verdict in taken.verdicts]
    task = _behind_the_answer(decide_delivery(context, taken.delivery_id))
    done, _ = await asyncio.wait({task}, timeout=ANSWER_SECONDS)
    if not done or task.exception():
        return [asdict(_later(hook, taken.delivery_id))]
    return [asdict(verdict) for verdict in task.result()]


def _behind_the_answer(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    task = asyncio.create_task(work)
    _under_way.add(task)
    task.add_done_callback(_finished)
    return task


def _later(hook: Hook, delivery_id: str) -> Verdict:
    sentence = (
        f"This delivery is written down and will be decided: GET /v1/apps/{hook.app_id}/deliveries/{delivery_id}"
        " says what became of it."
    )
    return Verdict(hook.app_id, "accepted", sentence)


def _finished(task: asyncio.Task[Any]) -> None:
    _under_way.discard(task)
    if not task.cancelled() and task.exception():
        _log.error("delivery_undecided", exc_info=task.exception())
