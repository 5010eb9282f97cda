"""Which instances of what is active get requests: one that is away or unwell rests while others serve, and comes back."""

from collections.abc import Sequence
from typing import Protocol

from sqlmodel import Session, col, select

from slipyard.deployer.router import Route, RouteState
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.standing import addresses_of
from slipyard.pipeline.rollout.switch_route import apply_route, write_intent
from slipyard.store.events import record
from slipyard.store.queries.deployments import AT_WORK
from slipyard.store.tables import App, Deployment, Instance, RouteRow


async def take_out(context: Context, instance_id: str, why: str) -> bool:
    """Whether it gets no requests any more. Where no other one serves it stays: a failing answer is better than none."""
    route = await context.database.writing(lambda session: _take_out(session, context, instance_id, why))
    if route is not None:
        await apply_route(context, route)
    return route is not None


async def put_back(context: Context, instance_id: str) -> None:
    route = await context.database.writing(lambda session: _put_back(session, context, instance_id))
    if route is not None:
        await apply_route(context, route)


class OfDeployment(Protocol):
    @property
    def app_id(self) -> str: ...

    @property
    def deployment_id(self) -> str: ...


def is_free_to_change(session: Session, what: OfDeployment) -> App | None:
    """The app, locked, where routes and instances of this deployment are the healer's business; None while another
    deployment is at work or active, or where the app is to be away or sleeps."""
    app = session.get_one(App, what.app_id, with_for_update=True)
    deployment = session.get_one(Deployment, what.deployment_id)
    if (
        app.stopped
        or app.asleep_since is not None
        or app.deleting_at is not None
        or deployment.status is not DeploymentStatus.ACTIVE
    ):
        return None
    at_work = select(Deployment.id).where(Deployment.app_id == app.id, col(Deployment.status).in_(AT_WORK))
    return None if session.exec(at_work.limit(1)).first() else app


def _rotation(session: Session, instance: Instance) -> list[Instance] | None:
    intent = session.get(RouteRow, instance.app_id)
    if is_free_to_change(session, instance) is None or intent is None or intent.state != RouteState.AWAKE:
        return None
    return serving_rows(session, instance.deployment_id)


def serving_rows(session: Session, deployment_id: str) -> list[Instance]:
    query = select(Instance).where(
        Instance.deployment_id == deployment_id,
        col(Instance.status) == InstanceStatus.SERVING,
        col(Instance.port).is_not(None),
    )
    return list(session.exec(query.order_by(col(Instance.ordinal), col(Instance.id))).all())


def _take_out(session: Session, context: Context, instance_id: str, why: str) -> Route | None:
    row = session.get_one(Instance, instance_id)
    rows = _rotation(session, row) if row.port is not None and row.resting_since is None else None
    others = [each for each in rows or () if each.id != row.id and each.resting_since is None]
    if row.status is not InstanceStatus.SERVING or not others:
        return None
    row.resting_since = context.clock.now()
    session.add(row)
    message = f"{row.id[-8:]} gets no requests for now: it {why}. {len(others)} other(s) serve."
    record(session, row.app_id, "instance.resting", message, now=row.resting_since, instance_id=row.id)
    return _routed_to(session, row, others)


def _put_back(session: Session, context: Context, instance_id: str) -> Route | None:
    row = session.get_one(Instance, instance_id)
    rows = _rotation(session, row)
    if rows is None or row.status is not InstanceStatus.SERVING or row.resting_since is None:
        return None
    row.resting_since = None
    session.add(row)
    now = context.clock.now()
    record(session, row.app_id, "instance.back", f"{row.id[-8:]} gets requests again.", now=now, instance_id=row.id)
    return _routed_to(session, row, [row, *(each for each in rows if each.id != row.id)])


def _routed_to(session: Session, row: Instance, rows: Sequence[Instance]) -> Route:
    ordered = sorted(rows, key=lambda each: (each.ordinal, each.id))
    return write_intent(session, row.app_id, RouteState.AWAKE, tuple(addresses_of(ordered)), row.deployment_id)
