"""What serves is asked for its health as its release says. One that fails rests while others serve, and is replaced; the
only one goes on getting requests until another is ready: a failing answer is better than none.

One loop for all: each instance has its own moment within its interval, so that a thousand of them are asked evenly.
"""

import asyncio
from datetime import timedelta

import structlog

from slipyard.domain.errors import SlipyardError
from slipyard.domain.healing import is_unhealthy
from slipyard.domain.health import HealthType
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.health_watch import Asked, HealthWatch
from slipyard.pipeline.healing.replace_instance import ask_for_another, call_off
from slipyard.pipeline.healing.rotation import put_back, take_out
from slipyard.pipeline.healing.say_health import say_unhealthy, say_well
from slipyard.pipeline.healing.serving_to_ask import question, serving_to_ask

_READ_SECONDS = 2.0  # so often the rows are read
_PATIENCE_SECONDS = 0.2  # how long a pass waits for answers; those that take longer come beside the next
_log = structlog.get_logger()


async def check_health(context: Context, watch: HealthWatch) -> None:
    """One pass."""
    now = context.clock.monotonic()
    if watch.read_at is None or now - watch.read_at >= _READ_SECONDS:
        rows = await context.database.reading(lambda session: serving_to_ask(session, watch))
        watch.take_rows(rows, now, context.clock.now())
    for row in watch.take_due(now):
        watch.asking[row.id] = asyncio.ensure_future(_ask(context, watch, row))
    if watch.asking:
        await asyncio.wait(watch.asking.values(), timeout=_PATIENCE_SECONDS)
        watch.asking = {key: task for key, task in watch.asking.items() if not task.done()}


async def _ask(context: Context, watch: HealthWatch, row: Asked) -> None:
    check = watch.check_of(row)
    places = watch.command_places if check.kind is HealthType.COMMAND else watch.places
    try:
        async with places:
            said = await context.driver.ask(question(watch, row), row.container_id)
        await (_is_well(context, watch, row) if said is None else _complains(context, watch, row, said))
    except SlipyardError as error:
        _log.info("health_not_asked", instance_id=row.id, error=error.message)  # the engine's trouble is not the app's
    except Exception:  # noqa: BLE001 - nobody awaits this task for its result
        _log.exception("health_check_failed", instance_id=row.id)


async def _is_well(context: Context, watch: HealthWatch, row: Asked) -> None:
    watch.complaints.pop(row.id, None)
    watch.good[row.id] = context.clock.now()
    if is_unhealthy(row.trouble):
        await context.database.writing(lambda session: say_well(session, context, row.id))
        await call_off(context, row.id)
    if row.resting:
        await put_back(context, row.id)
    if row.resting or is_unhealthy(row.trouble):
        watch.read_at = None


async def _complains(context: Context, watch: HealthWatch, row: Asked, said: str) -> None:
    times = watch.complaints[row.id] = watch.complaints.get(row.id, 0) + 1
    if times < watch.check_of(row).retries or not await _should_answer(context, watch, row):
        return
    if not is_unhealthy(row.trouble):
        await context.database.writing(lambda session: say_unhealthy(session, context, row.id, said, times))
        watch.read_at = None
    await take_out(context, row.id, said)
    await ask_for_another(context, row.id, said, beside=True)


async def _should_answer(context: Context, watch: HealthWatch, row: Asked) -> bool:
    """One that does not run is the healer's; one that was just started has its time to become ready."""
    seen = await context.driver.look(row.id, row.container_id)
    if seen is None or not seen.running or seen.paused or seen.restarting:
        return False
    started = seen.started_at
    if started is None or watch.good[row.id] > started:
        return True
    return context.clock.now() - started > timedelta(seconds=watch.check_of(row).start_period)
