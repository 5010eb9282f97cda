"""Instances that were taken out of their route finish their requests, then go. Rows say how far each is; nobody waits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlmodel import Session, select

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.together import together
from slipyard.store.tables import App, Instance
from slipyard.store.transition import transition

_QUIET_READS = 3
_STOP_SECONDS = 10.0


@dataclass
class DrainWatch:
    """How often in a row an instance was seen without a request: one idle moment is no proof."""

    quiet: dict[str, int] = field(default_factory=dict)

    def drained(self, instance_id: str, in_flight: int) -> bool:
        self.quiet[instance_id] = self.quiet.get(instance_id, 0) + 1 if in_flight == 0 else 0
        return self.quiet[instance_id] >= _QUIET_READS


async def retire_instances(context: Context, watch: DrainWatch) -> int:
    """One pass; returns how many are still draining. Safe to repeat at any point: a container that is gone is gone."""
    rows = await context.database.reading(_retiring)
    watch.quiet = {key: reads for key, reads in watch.quiet.items() if key in {row.id for row in rows}}
    ready = [row for row in rows if await _may_go(context, watch, row)]
    await together(_remove(context, row) for row in ready)
    return len(rows) - len(ready)


async def _may_go(context: Context, watch: DrainWatch, row: Instance) -> bool:
    if row.port is None or row.retiring_at is None:
        return True
    if context.clock.now() - row.retiring_at > timedelta(seconds=context.settings.drain_seconds):
        return True
    return watch.drained(row.id, await context.router.in_flight([f"{row.address}:{row.port}"]))


async def _remove(context: Context, row: Instance) -> None:
    await context.driver.retire(row.id, _STOP_SECONDS)

    def gone(session: Session) -> None:
        instance = session.get_one(Instance, row.id, with_for_update=True)
        if instance.status is InstanceStatus.RETIRING:
            now = context.clock.now()
            transition(
                session, instance, InstanceStatus.RETIRED, now=now, message=f"{row.id[-8:]} is gone.", retired_at=now
            )

    await context.database.writing(gone)


def _retiring(session: Session) -> Sequence[Instance]:
    return session.exec(select(Instance).where(Instance.status == InstanceStatus.RETIRING)).all()


def instances_left(session: Session, app: App) -> int:
    query = select(Instance.id).where(Instance.app_id == app.id, Instance.status != InstanceStatus.RETIRED)
    return len(session.exec(query).all())
