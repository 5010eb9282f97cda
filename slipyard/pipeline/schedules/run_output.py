"""What a run wrote: of the engine while its container is there, else of the file that was kept."""

import asyncio
from contextlib import aclosing

from slipyard.clients.container_engine import LogLine
from slipyard.domain.errors import NotFound
from slipyard.domain.schedule import RunStatus
from slipyard.pipeline.context import Context
from slipyard.store.kept_output import KeptOutput
from slipyard.store.tables import ScheduleRun

_MOST_LINES = 10_000


async def keep_output(context: Context, run: ScheduleRun) -> None:
    """Of its attempt, before its container goes. Again is the same file."""
    lines = await _of_engine(context, run, _MOST_LINES)
    await asyncio.to_thread(_kept(context).write, run.schedule_id, _file(run, run.attempt), lines)


async def run_output(context: Context, run: ScheduleRun, tail: int = _MOST_LINES) -> list[LogLine]:
    """Of all its attempts in order, the last `tail` lines."""
    kept = _kept(context)
    lines: list[LogLine] = []
    for attempt in range(1, run.attempt + 1):
        is_there = run.status is RunStatus.RUNNING and attempt == run.attempt
        if is_there:
            lines += await _of_engine(context, run, tail)
        else:
            lines += await asyncio.to_thread(kept.read, run.schedule_id, _file(run, attempt))
    return lines[-tail:]


async def _of_engine(context: Context, run: ScheduleRun, tail: int) -> list[LogLine]:
    if run.one_off_id is None:
        return []
    output = context.driver.logs(run.one_off_id, tail=tail)
    try:
        async with aclosing(output) as lines:  # type: ignore[type-var]
            return [line async for line in lines]
    except NotFound:
        return []


def _kept(context: Context) -> KeptOutput:
    return KeptOutput(context.layout.schedule_output)


def _file(run: ScheduleRun, attempt: int) -> str:
    return f"{run.id}-{attempt}"
