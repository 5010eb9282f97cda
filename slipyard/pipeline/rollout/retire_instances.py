"""Instances that were taken out of their route finish their requests, then go. Rows say how far each is; nobody waits.

What depends on others ends before them. First the drain, up to its deadline (websockets are requests in flight), then the image's own stop signal, then a grace,
then the end by force.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.release import ReleaseConfig
from slipyard.pipeline.context import Context
from slipyard.pipeline.observing.keep_output import keep_output
from slipyard.store.tables import App, Instance, Release
from slipyard.store.transition import transition

_QUIET_READS = 3
_PATIENCE_SECONDS = 1.0  # how long a pass waits for those that stop slowly; they go on stopping beside the next
_log = structlog.get_logger()


@dataclass(frozen=True)
class Retiring:
    """`before`: services that depend on it, and end first."""

    row: Instance
    config: ReleaseConfig

    @property
    def before(self) -> set[str]:
        name = self.row.service
        return {each.name for each in self.config.services if any(it.service == name for it in each.depends_on)}


@dataclass
class DrainWatch:
    """How often in a row an instance was seen without a request: one idle moment is no proof. And who is stopping."""

    quiet: dict[str, int] = field(default_factory=dict)
    stopping: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def drained(self, instance_id: str, in_flight: int) -> bool:
        self.quiet[instance_id] = self.quiet.get(instance_id, 0) + 1 if in_flight == 0 else 0
        return self.quiet[instance_id] >= _QUIET_READS

    def forget_others(self, instance_ids: set[str]) -> None:
        self.quiet = {key: reads for key, reads in self.quiet.items() if key in instance_ids}
        self.stopping = {key: task for key, task in self.stopping.items() if not task.done()}


async def retire_instances(context: Context, watch: DrainWatch) -> int:
    """One pass; returns how many are still there. Safe to repeat at any point: a container that is gone is gone. One that
    ignores its stop signal keeps nobody else waiting."""
    retiring = await context.database.reading(_retiring)
    watch.forget_others({each.row.id for each in retiring})
    there = {(each.row.deployment_id, each.row.service) for each in retiring}
    for each in retiring:
        waits = any((each.row.deployment_id, name) in there for name in each.before)
        if each.row.id not in watch.stopping and not waits and await _may_go(context, watch, each):
            watch.stopping[each.row.id] = asyncio.ensure_future(_stop(context, each))
    if watch.stopping:
        await asyncio.wait(watch.stopping.values(), timeout=_PATIENCE_SECONDS)
    return len(retiring) - sum(task.done() for task in watch.stopping.values())


async def _may_go(context: Context, watch: DrainWatch, each: Retiring) -> bool:
    row, told = each.row, each.config.rollout.drain_seconds
    if row.port is None or row.retiring_at is None or row.paused_at is not None:
        return True
    deadline = context.settings.drain_seconds if told is None else told
    if context.clock.now() - row.retiring_at > timedelta(seconds=deadline):
        return True
    return watch.drained(row.id, await context.router.in_flight([f"{row.address}:{row.port}"]))


async def _stop(context: Context, each: Retiring) -> None:
    """What goes wrong is logged: its row still says that it has to go, and the next pass tries again."""
    try:
        await _remove(context, each)
    except Exception:  # noqa: BLE001 - nobody awaits this task for its result
        _log.exception("instance_not_removed", instance_id=each.row.id)


async def _remove(context: Context, each: Retiring) -> None:
    row, grace = each.row, each.config.grace_of(each.row.service)
    await keep_output(context, row, grace)
    await context.driver.retire(row.id, grace)

    def gone(session: Session) -> None:
        instance = session.get_one(Instance, row.id, with_for_update=True)
        if instance.status is InstanceStatus.RETIRING:
            now = context.clock.now()
            transition(
                session, instance, InstanceStatus.RETIRED, now=now, message=f"{row.id[-8:]} is gone.", retired_at=now
            )

    await context.database.writing(gone)


def _retiring(session: Session) -> Sequence[Retiring]:
    query = (
        select(Instance, col(Release.config))
        .join(Release, col(Release.id) == col(Instance.release_id))
        .where(Instance.status == InstanceStatus.RETIRING)
    )
    return [Retiring(row, config) for row, config in session.exec(query).all()]


def instances_left(session: Session, app: App) -> int:
    query = select(Instance.id).where(Instance.app_id == app.id, Instance.status != InstanceStatus.RETIRED)
    return len(session.exec(query).all())
