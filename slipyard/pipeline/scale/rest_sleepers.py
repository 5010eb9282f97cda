"""What fell asleep finishes its requests, and is then paused while memory allows, else stopped."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from sqlmodel import Session, col, select

from slipyard.clients import machine_memory
from slipyard.domain.errors import UserError
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.retire_instances import DrainWatch
from slipyard.pipeline.scale.sleepers import Sleeper, sleeper_of
from slipyard.pipeline.scale.turn import turn_of
from slipyard.pipeline.scale.wake_up import wake_up
from slipyard.pipeline.together import together
from slipyard.store.tables import App, Instance

_LEAST_FREE = 0.1  # of the machine's memory: below it nothing is kept in it


async def rest_sleepers(context: Context, watch: DrainWatch) -> None:
    """One pass. Repeatable at any point: a container that is paused or stopped already is so."""
    app_ids = await context.database.reading(_restless)
    watch.forget_others(set(app_ids))
    await together(_look_after(context, watch, app_id) for app_id in app_ids)


async def give_memory_back(context: Context) -> None:
    """One pass: of what sleeps in memory the longest goes first, until the rest is within the budget."""
    short = await asyncio.to_thread(machine_memory.available_share) < _LEAST_FREE
    rows = await context.database.reading(_in_memory)
    held = 0
    for app_id, row in rows:
        held += row.memory_bytes or 0
        if short or held > context.settings.paused_memory:
            await _stop_one(context, app_id, row.id)


async def _look_after(context: Context, watch: DrainWatch, app_id: str) -> None:
    sleeper = await context.database.reading(lambda session: sleeper_of(session, context, app_id))
    if sleeper is None:
        return
    told = sleeper.rollout.config.rollout.drain_seconds
    patience = timedelta(seconds=context.settings.drain_seconds if told is None else told)
    if watch.drained(app_id, await context.router.in_flight(sleeper.addresses)):
        await _rest(context, sleeper)
    elif context.clock.now() - sleeper.asleep_since > patience:
        await wake_up(context, app_id, f"requests were still in flight after {patience.total_seconds():g} s")


async def _rest(context: Context, sleeper: Sleeper) -> None:
    """What was woken since it was looked at has another generation, and is left alone."""
    async with turn_of(context, sleeper.app_id):
        now = await context.database.reading(lambda session: sleeper_of(session, context, sleeper.app_id))
        if now is None or now.rested or now.generation != sleeper.generation:
            return
        for row in now.rows:
            await _put_to_rest(context, now, row)
        await context.database.writing(lambda session: _rested(session, context, now))


async def _put_to_rest(context: Context, sleeper: Sleeper, row: Instance) -> None:
    most = next(each.resources.memory_bytes for each in sleeper.rollout.config.services if each.name == row.service)
    in_memory = await _has_room(context)
    try:
        held = await context.driver.pause(row.container_id or "") if in_memory else None
    except UserError:  # it does not run
        in_memory = False
    if in_memory:
        held = most if held is None else held
        await context.database.writing(lambda session: _mark(session, context, row.id, held))
    else:
        await _stop(context, sleeper, row)


async def _stop(context: Context, sleeper: Sleeper, row: Instance) -> None:
    with suppress(UserError):  # it is gone: whoever wakes the app makes it again
        await context.driver.rest(row.container_id or "", sleeper.rollout.config.grace_of(row.service))
    await context.database.writing(lambda session: _mark(session, context, row.id, None))


async def _stop_one(context: Context, app_id: str, instance_id: str) -> None:
    async with turn_of(context, app_id):
        sleeper = await context.database.reading(lambda session: sleeper_of(session, context, app_id))
        row = next((each for each in sleeper.rows if each.id == instance_id), None) if sleeper else None
        if sleeper is not None and row is not None and row.memory_bytes is not None:
            await _stop(context, sleeper, row)


async def _has_room(context: Context) -> bool:
    if await asyncio.to_thread(machine_memory.available_share) < _LEAST_FREE:
        return False
    rows = await context.database.reading(_in_memory)
    return sum(row.memory_bytes or 0 for _, row in rows) < context.settings.paused_memory


def _mark(session: Session, context: Context, instance_id: str, held: int | None) -> None:
    """`memory_bytes` says that it is paused, None that it is stopped."""
    row = session.get_one(Instance, instance_id, with_for_update=True)
    row.paused_at, row.memory_bytes = context.clock.now(), held
    session.add(row)


def _rested(session: Session, context: Context, sleeper: Sleeper) -> None:
    app = session.get_one(App, sleeper.app_id, with_for_update=True)
    if app.asleep_since is not None and app.last_route == sleeper.generation:
        app.rested_at = context.clock.now()
        session.add(app)


def _restless(session: Session) -> list[str]:
    query = select(App.id).where(col(App.asleep_since).is_not(None), col(App.rested_at).is_(None))
    return list(session.exec(query.where(col(App.deleting_at).is_(None))).all())


def _in_memory(session: Session) -> list[tuple[str, Instance]]:
    """What sleeps paused, the one that fell asleep last first."""
    query = (
        select(App.id, Instance)
        .join(Instance, col(Instance.app_id) == col(App.id))
        .where(col(App.asleep_since).is_not(None), col(Instance.memory_bytes).is_not(None))
        .where(col(Instance.paused_at).is_not(None))
    )
    return [(app_id, row) for app_id, row in session.exec(query.order_by(col(Instance.paused_at).desc())).all()]
