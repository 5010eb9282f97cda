"""The answer to a delivery: what was decided, or where that takes long, that it will be. What is written down is never lost."""

import asyncio
from dataclasses import asdict
from typing import Any

import structlog

from slipyard.pipeline.context import Context
from slipyard.store.tables import Hook
from slipyard.webhooks.decide import Verdict, decide_delivery

ANSWER_SECONDS = 0.8  # of the 5 to 10 that providers wait; deciding goes on behind the answer
_log = structlog.get_logger()
_deciding: set[asyncio.Task[list[Verdict]]] = set()


async def verdicts(context: Context, hook: Hook, delivery_id: str) -> list[dict[str, Any]]:
    """For each app. A fault of ours is not the sender's: `left_open` decides again until it is done."""
    task = asyncio.create_task(decide_delivery(context, delivery_id))
    _deciding.add(task)
    task.add_done_callback(_finished)
    done, _ = await asyncio.wait({task}, timeout=ANSWER_SECONDS)
    if not done or task.exception():
        return [asdict(_later(hook, delivery_id))]
    return [asdict(verdict) for verdict in task.result()]


def _later(hook: Hook, delivery_id: str) -> Verdict:
    sentence = (
        f"This delivery is written down and will be decided: GET /v1/apps/{hook.app_id}/deliveries/{delivery_id}"
        " says what became of it."
    )
    return Verdict(hook.app_id, "accepted", sentence)


def _finished(task: asyncio.Task[list[Verdict]]) -> None:
    _deciding.discard(task)
    if not task.cancelled() and task.exception():
        _log.error("delivery_undecided", exc_info=task.exception())
