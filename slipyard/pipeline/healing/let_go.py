"""What need not, or must not, be there any more: what cannot be thawed, and containers whose instance is retired."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlmodel import Session, col, select

from slipyard.deployer.driver import Observation
from slipyard.domain.errors import SlipyardError
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.heal_watch import HealWatch
from slipyard.pipeline.healing.observed import Observed
from slipyard.pipeline.rollout.retire import retire
from slipyard.store.tables import Instance

_log = structlog.get_logger()


async def let_paused_go(context: Context, observed: Observed, begun: datetime) -> None:
    """After a reboot, or by somebody's hand, there is nothing left to thaw: nobody is to count on it."""
    for row in observed.rows:
        if row.status is InstanceStatus.PAUSED and row.paused_at is not None and row.paused_at < begun:
            found = observed.container_of(row)
            if found is None or not found.paused:
                await _retire(context, row.id)


async def remove_strays(context: Context, watch: HealWatch, observed: Observed) -> None:
    """A holder that was frozen may have made a container after its instance was retired: its row says that it may go.
    What carries the labels and is neither named like an instance nor known as one is a copy, and somebody else's."""
    known = {row.id for row in observed.rows}
    strays = [each for instance_id, found in observed.seen.items() if instance_id not in known for each in found]
    ids = [each.instance_id for each in strays]
    retired = await context.database.reading(lambda session: _retired_among(session, ids)) if strays else {}
    for stray in strays:
        if stray.instance_id in retired:
            if stray.named or stray.container_id == retired[stray.instance_id]:
                await _remove(context, stray)
            elif stray.container_id not in watch.copies:
                watch.copies.add(stray.container_id)
                _log.info("copied_container", container_id=stray.container_id, of_instance=stray.instance_id)


async def _retire(context: Context, instance_id: str) -> None:
    await context.database.writing(lambda session: _let_go(session, context, instance_id))


async def _remove(context: Context, stray: Observation) -> None:
    _log.warning("stray_container", instance_id=stray.instance_id)
    try:
        await context.driver.retire(stray.instance_id, 0, stray.container_id)
    except SlipyardError as error:
        _log.warning("stray_not_removed", instance_id=stray.instance_id, error=error.message)


def _let_go(session: Session, context: Context, instance_id: str) -> None:
    row = session.get_one(Instance, instance_id, with_for_update=True)
    if row.status is InstanceStatus.PAUSED:
        retire(session, context, row, "it is no longer paused in the engine")


def _retired_among(session: Session, instance_ids: Sequence[str]) -> dict[str, str | None]:
    """Their containers, by id."""
    query = select(Instance.id, Instance.container_id).where(
        col(Instance.id).in_(instance_ids), col(Instance.status) == InstanceStatus.RETIRED
    )
    return dict(session.exec(query).all())
