"""One pass over what is due and over what runs. Rows remember everything: whoever leads next goes on where this one was."""

import asyncio
from collections.abc import Awaitable

import structlog

from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.commands.run_command import end_command
from slipyard.pipeline.context import Context
from slipyard.pipeline.schedules.carry_run import GRACE_SECONDS, carry_run
from slipyard.pipeline.schedules.run_output import keep_output
from slipyard.pipeline.schedules.write_run import write_due_run
from slipyard.store.queries.schedules import Leftover, due_schedules, leftover_containers, open_runs

_AT_ONCE = 4  # starting a container keeps a core busy for a third of a second
_log = structlog.get_logger()


async def keep_schedules(context: Context) -> None:
    now = context.clock.now()
    for schedule_id in await context.database.reading(lambda session: due_schedules(session, now)):
        await _try(_write(context, schedule_id), schedule_id)
    room = asyncio.Semaphore(_AT_ONCE)
    leftovers = await context.database.reading(leftover_containers)
    await asyncio.gather(*(_in(room, _end(context, each), each.row.id) for each in leftovers))
    runs = await context.database.reading(open_runs)
    await asyncio.gather(*(_in(room, carry_run(context, run.id), run.id) for run in runs))


async def _write(context: Context, schedule_id: str) -> None:
    await context.database.writing(lambda session: write_due_run(session, context, schedule_id))


async def _end(context: Context, left: Leftover) -> None:
    """The container of a run that was cancelled or replaced, or whose end was written down already."""
    await context.driver.stop_command(left.row.id, GRACE_SECONDS)
    if left.run is not None and left.run.one_off_id == left.row.id:
        await keep_output(context, left.run)
    await end_command(context, left.row.id, left.row.exit_code)


async def _in(room: asyncio.Semaphore, work: Awaitable[None], name: str) -> None:
    async with room:
        await _try(work, name)


async def _try(work: Awaitable[None], name: str) -> None:
    """One that goes wrong must not keep the others from running."""
    try:
        await work
    except SlipyardError as error:
        _log.warning("schedule_not_carried_on", id=name, error=error.message)
    except Exception:  # noqa: BLE001 - one bad schedule must not end the pass of the others
        _log.exception("schedule_failed", id=name)
