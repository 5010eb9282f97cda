"""What should serve and does not is started again; what was changed by hand is put right; what should not run goes.

Between two whole passes only those are looked at of which the engine reported something.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from slipyard.deployer.driver import Observation
from slipyard.domain.errors import SlipyardError
from slipyard.domain.healing import is_crash_loop, is_due
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.bring_up_others import bring_up_others
from slipyard.pipeline.healing.heal_watch import HealWatch
from slipyard.pipeline.healing.let_go import let_paused_go, remove_strays
from slipyard.pipeline.healing.look_closely import look_closely
from slipyard.pipeline.healing.note_end import End, note_end, note_well
from slipyard.pipeline.healing.observed import InstanceRow, Observed, asleep_apps, observe
from slipyard.pipeline.healing.reconcile import reconcile
from slipyard.pipeline.healing.rotation import take_out
from slipyard.pipeline.healing.start_again import start_again, what_happened
from slipyard.pipeline.volumes.hold_still import is_held_still

_AT_ONCE = 8
_REFUSED_SECONDS = 0.25  # after the first refusal, where nobody says that the container is gone, as it most often is
_BY_HAND = {137, 143}  # killed or terminated: where nobody heard how, it is not held against the app
_log = structlog.get_logger()


async def heal(context: Context, watch: HealWatch) -> None:
    """One pass, and work only for what differs. What the engine refuses for one container keeps nobody from healing the
    others; its turn comes again."""
    report, begun = context.stirred.take(context.clock.monotonic()), context.clock.now()
    whole = watch.begin(context.clock.monotonic(), changed=bool(report.changed), heard=report.reliable)
    for container_id in report.altered:
        watch.examined.pop(container_id, None)
    watch.gone(report.removed)
    asleep = await context.database.reading(asleep_apps)
    observed = await observe(context, report, whole=whole, asleep=asleep)
    await _keep_all_serving(context, watch, observed)
    if whole:
        await _look_at_the_whole(context, watch, observed, begun)
    await bring_up_others(context, watch)


async def _look_at_the_whole(context: Context, watch: HealWatch, observed: Observed, begun: datetime) -> None:
    watch.forget_others({each.container_id for found in observed.seen.values() for each in found})
    await let_paused_go(context, observed, begun)
    await remove_strays(context, watch, observed)
    await reconcile(context, watch, observed)


async def _keep_all_serving(context: Context, watch: HealWatch, observed: Observed) -> None:
    rows = (row for row in observed.rows if row.app_id not in observed.asleep)
    serving = [row for row in rows if row.status is InstanceStatus.SERVING]
    concerned = [row for row in serving if not _is_well(context, watch, observed, row)]
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(row: InstanceRow) -> None:
        async with places:
            with trouble_of(row.id):
                await _keep_serving(context, watch, observed, row)

    await asyncio.gather(*(one(row) for row in concerned))


def _is_well(context: Context, watch: HealWatch, observed: Observed, row: InstanceRow) -> bool:
    """Whether there is nothing to do, as far as the list and the engine's reports go."""
    found = observed.container_of(row)
    if found is None or not _runs(found) or found.astray or row.address not in found.addresses:
        return False
    if watch.failures:
        watch.well(row.id, context.clock.monotonic())
    examined = watch.examined.get(found.container_id) == row.deployment_id
    return examined and not row.failures and row.id not in observed.report.deaths


async def _keep_serving(context: Context, watch: HealWatch, observed: Observed, row: InstanceRow) -> None:
    found = observed.container_of(row)
    if found is not None and found.paused and await is_held_still(context, row.app_id):
        return
    row = await _note_deaths(context, watch, observed, row, found)
    if found is not None and _runs(found):
        watch.mourned.discard(row.id)
        await look_closely(context, watch, row, found)
        if row.failures:
            await note_well(context, row, found.container_id)
    elif found is None or not found.restarting or is_crash_loop(row.trouble):
        await take_out(context, row.id, what_happened(found))
        await _start_when_due(context, watch, row, found)


async def _note_deaths(
    context: Context, watch: HealWatch, observed: Observed, row: InstanceRow, found: Observation | None
) -> InstanceRow:
    times, code = observed.report.deaths.get(row.id, (0, None))
    if not times and not observed.report.reliable and found is not None and not found.running:
        times, code = int(row.id not in watch.mourned and found.exit_code not in _BY_HAND), found.exit_code
    if not times or found is None:
        return row
    watch.mourned.add(row.id)
    row = await note_end(context, row, End(times, code, found.container_id))
    await take_out(context, row.id, "ended by itself")
    return row


async def _start_when_due(context: Context, watch: HealWatch, row: InstanceRow, found: Observation | None) -> None:
    now, wall = context.clock.monotonic(), context.clock.now()
    if is_due(row.retry_at, wall) and watch.may_start(row.id, now):
        watch.started(row.id, now)
        watch.mourned.discard(row.id)
        again = row.id in watch.refused
        if await start_again(context, row, found, again=again):
            watch.refused.discard(row.id)
            return
        watch.refused.add(row.id)
        if not again:
            watch.not_before[row.id] = now + _REFUSED_SECONDS
    at = max(watch.not_before.get(row.id, now), now + _seconds_until(row.retry_at, wall))
    context.stirred.remind(row.id, row.container_id or "", at)


def _seconds_until(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None or is_due(moment, now) else (moment - now).total_seconds()


@contextmanager
def trouble_of(instance_id: str) -> Iterator[None]:
    try:
        yield
    except SlipyardError as error:
        _log.warning("instance_not_healed", instance_id=instance_id, error=error.message)


def _runs(found: Observation) -> bool:
    return found.running and not found.paused and not found.restarting
