"""An instance that is ready gets the requests of the one in whose place it came, and that one finishes its own and goes."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.deployer.router import Route, RouteState
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.rotation import is_free_to_change, serving_rows
from slipyard.pipeline.rollout.retire import retire
from slipyard.pipeline.rollout.standing import addresses_of
from slipyard.pipeline.rollout.switch_route import apply_route, confirm_route, write_intent
from slipyard.store.tables import Instance, RouteRow
from slipyard.store.transition import transition


@dataclass(frozen=True)
class _Intent:
    """`route` None: it has no port."""

    route: Route | None


async def take_over(context: Context, instance_id: str) -> None:
    """First the intent, then the files, then the rows. Where a deployment or somebody else changed the route meanwhile,
    nothing follows from it, and a later pass tries again."""
    intent = await context.database.writing(lambda session: _intend(session, instance_id))
    if intent is None:
        return
    if intent.route is not None:
        await apply_route(context, intent.route)
    await context.database.writing(lambda session: _settle(session, context, instance_id, intent))


def _intend(session: Session, instance_id: str) -> _Intent | None:
    new = session.get_one(Instance, instance_id)
    app = is_free_to_change(session, new)
    if app is None or new.status is not InstanceStatus.READY:
        return None
    if new.port is None:
        return _Intent(None)
    leaving = {row.id for row in _in_its_place(session, new)}
    rows = [row for row in serving_rows(session, new.deployment_id) if row.id not in leaving]
    addresses = addresses_of(sorted([*rows, new], key=lambda row: (row.ordinal, row.id)))
    return _Intent(write_intent(session, app.id, RouteState.AWAKE, tuple(addresses), new.deployment_id))


def _settle(session: Session, context: Context, instance_id: str, intent: _Intent) -> None:
    new, now = session.get_one(Instance, instance_id), context.clock.now()
    if is_free_to_change(session, new) is None or new.status is not InstanceStatus.READY:
        return
    if intent.route is not None:
        row = session.get_one(RouteRow, new.app_id)
        if row.generation != intent.route.generation:
            return
        confirm_route(session, new.app_id, row.generation)
    transition(session, new, InstanceStatus.SERVING, now=now, message=f"{new.id[-8:]} serves.")
    for old in _in_its_place(session, new):
        if old.id != new.id:
            retire(session, context, old, f"{new.id[-8:]} took its place")


def _in_its_place(session: Session, new: Instance) -> list[Instance]:
    query = select(Instance).where(
        Instance.deployment_id == new.deployment_id,
        Instance.service == new.service,
        Instance.ordinal == new.ordinal,
        col(Instance.status) == InstanceStatus.SERVING,
    )
    return list(session.exec(query).all())
