"""Instances that were set aside are paused once their requests are finished, and kept for a while within a budget."""

import asyncio
from datetime import timedelta

from sqlmodel import Session, col, or_, select

from slipyard.clients import machine_memory
from slipyard.domain.errors import UserError
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.release import ReleaseConfig
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.retire import retire
from slipyard.pipeline.rollout.retire_instances import DrainWatch
from slipyard.pipeline.together import together
from slipyard.store.tables import Instance, Release
from slipyard.store.transition import transition

_LEAST_FREE = 0.1  # of the machine's memory: below it nothing is kept


async def pause_instances(context: Context, watch: DrainWatch) -> None:
    """One pass. The row says `paused` before the engine is asked, and since when after it has answered: only then may
    a deployment take it back, so that nobody pauses what serves again."""
    rows = await context.database.reading(_set_aside)
    watch.forget_others({row.id for row, _ in rows})
    await together(_look_after(context, watch, row, config) for row, config in rows)
    if rows:
        await keep_paused(context)


async def keep_paused(context: Context) -> None:
    """One pass: what is too old or too much goes, the oldest first; all of it where the machine needs the memory."""
    short = await asyncio.to_thread(machine_memory.available_share) < _LEAST_FREE
    await context.database.writing(lambda session: _let_go(session, context, short=short))


async def _look_after(context: Context, watch: DrainWatch, row: Instance, config: ReleaseConfig) -> None:
    told = config.rollout.drain_seconds
    patience = timedelta(seconds=context.settings.drain_seconds if told is None else told)
    in_flight = await context.router.in_flight([f"{row.address}:{row.port}"])
    again = row.status is InstanceStatus.PAUSED  # the one before us did not hear the engine's answer
    if again or watch.drained(row.id, in_flight):
        await _pause(context, row, config)
    elif in_flight and (row.retiring_at is None or context.clock.now() - row.retiring_at > patience):
        await context.database.writing(lambda session: _give_up(session, context, row.id, "its requests did not end"))


async def _pause(context: Context, row: Instance, config: ReleaseConfig) -> None:
    if not await context.database.writing(lambda session: _may_pause(session, context, row.id)):
        return
    try:
        held = await context.driver.pause(row.container_id or "")
        if config.has_several_services:  # the engine's names lead to what is paused, too, and it never answers
            await context.driver.leave_network(row.app_id, row.container_id or "")
    except UserError:
        await context.database.writing(lambda session: _give_up(session, context, row.id, "it does not run"))
        return
    most = next(each.resources.memory_bytes for each in config.services if each.name == row.service)
    await context.database.writing(lambda session: _paused(session, context, row.id, most if held is None else held))


def _may_pause(session: Session, context: Context, instance_id: str) -> bool:
    """False where a deployment took it back meanwhile, or somebody ended it."""
    row = session.get_one(Instance, instance_id, with_for_update=True)
    if row.status is InstanceStatus.DRAINING:
        message = f"Instance {row.id[-8:]} is paused, for a way back."
        transition(session, row, InstanceStatus.PAUSED, now=context.clock.now(), message=message)
    return row.status is InstanceStatus.PAUSED and row.paused_at is None


def _paused(session: Session, context: Context, instance_id: str, held: int) -> None:
    row = session.get_one(Instance, instance_id, with_for_update=True)
    if row.status is not InstanceStatus.PAUSED:
        return
    row.paused_at = context.clock.now()
    row.memory_bytes = held
    session.add(row)


def _give_up(session: Session, context: Context, instance_id: str, why: str) -> None:
    row = session.get_one(Instance, instance_id, with_for_update=True)
    if row.status in {InstanceStatus.DRAINING, InstanceStatus.PAUSED}:
        retire(session, context, row, why)


def _let_go(session: Session, context: Context, *, short: bool) -> None:
    """Newest first, as long as there is room."""
    query = select(Instance).where(col(Instance.status) == InstanceStatus.PAUSED, col(Instance.paused_at).is_not(None))
    oldest = context.clock.now() - timedelta(seconds=context.settings.keep_paused_seconds)
    held = 0
    for row in session.exec(query.order_by(col(Instance.paused_at).desc(), col(Instance.id)).with_for_update()).all():
        held += row.memory_bytes or 0
        if short:
            retire(session, context, row, "the machine is short of memory")
        elif held > context.settings.paused_memory:
            retire(session, context, row, "paused instances hold as much memory as they may")
        elif row.paused_at is not None and row.paused_at < oldest:
            retire(session, context, row, "it was paused long enough")


def _set_aside(session: Session) -> list[tuple[Instance, ReleaseConfig]]:
    paused = (col(Instance.status) == InstanceStatus.PAUSED) & col(Instance.paused_at).is_(None)
    query = (
        select(Instance, col(Release.config))
        .join(Release, col(Release.id) == col(Instance.release_id))
        .where(or_(col(Instance.status) == InstanceStatus.DRAINING, paused))
    )
    return [(row, config) for row, config in session.exec(query).all()]
