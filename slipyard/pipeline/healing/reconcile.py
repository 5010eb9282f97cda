"""As many instances of what is active as its release says: what is missing is started, what is too many goes."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from slipyard.deployer.router import Route, RouteState
from slipyard.domain.healing import Place, missing, surplus
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.healing.coming import COMING, is_coming, plan
from slipyard.pipeline.healing.heal_watch import HealWatch
from slipyard.pipeline.healing.observed import InstanceRow, Observed
from slipyard.pipeline.healing.rotation import is_free_to_change, serving_rows
from slipyard.pipeline.rollout.retire import retire
from slipyard.pipeline.rollout.standing import addresses_of
from slipyard.pipeline.rollout.switch_route import apply_route, write_intent
from slipyard.store.events import record
from slipyard.store.queries.deployments import AT_WORK
from slipyard.store.tables import App, Deployment, Instance, Release

_DEPLOYMENT, _APP = (App.metadata.tables[name].c for name in ("deployment", "app"))


class _Active(NamedTuple):
    deployment_id: str
    app_id: str
    release_id: str
    scaled_to: int | None


async def reconcile(context: Context, watch: HealWatch, observed: Observed) -> None:
    """Leaves alone what is stopped, and apps at which a deployment is at work. What the rows say is asked again in the
    transaction that acts on it."""
    active = await context.database.reading(lambda session: _active(session, watch))
    rows = _by_app(observed.rows)
    for each in active:
        found, replicas = rows.get(each.app_id, ()), watch.replicas[each.release_id, each.scaled_to]
        if not _is_one_for_one(found, each, replicas):
            await _count(context, watch, each, found)


async def _count(context: Context, watch: HealWatch, active: _Active, rows: Sequence[InstanceRow]) -> None:
    replicas = watch.replicas[active.release_id, active.scaled_to]
    ours = [row for row in rows if row.deployment_id == active.deployment_id]
    present = {row.place for row in ours if row.status in {*COMING, InstanceStatus.SERVING}}
    for place in missing(replicas, present):
        await _start_missing(context, watch, active, place)
    serving = [(row.id, row.place) for row in ours if row.status is InstanceStatus.SERVING]
    others = [row.id for row in rows if _is_left_over(row, active)]
    if too_many := [*surplus(replicas, serving), *others]:
        await _let_go(context, active, too_many)


async def _start_missing(context: Context, watch: HealWatch, active: _Active, place: Place) -> None:
    key, now = f"{active.deployment_id}:{place.service}:{place.ordinal}", context.clock.monotonic()
    if watch.may_start(key, now) and await context.database.writing(
        lambda session: _plan(session, context, active, place)
    ):
        watch.started(key, now)


async def _let_go(context: Context, active: _Active, instance_ids: Sequence[str]) -> None:
    """Out of the route first: only what gets no requests may end."""
    route = await context.database.writing(lambda session: _route_without(session, active, instance_ids))
    if route is not None:
        await apply_route(context, route)
        await context.database.writing(lambda session: _retire(session, context, route, instance_ids))


def _plan(session: Session, context: Context, active: _Active, place: Place) -> bool:
    app = is_free_to_change(session, active)
    if app is None or is_coming(session, active.deployment_id, place):
        return False
    if _serves(session, active.deployment_id, place) or _must_wait(session, active, place):
        return False
    row = plan(session, context, app, active.deployment_id, place)
    message = f"{place.service} {place.ordinal + 1} was missing; {row.id[-8:]} is started."
    record(session, app.id, "instance.missing", message, now=context.clock.now(), instance_id=row.id)
    return True


def _must_wait(session: Session, active: _Active, place: Place) -> bool:
    """What may run only once waits until the one before has ended."""
    if place.service not in session.get_one(Release, active.release_id).config.alone:
        return False
    query = select(Instance.id).where(
        Instance.app_id == active.app_id,
        Instance.service == place.service,
        Instance.status == InstanceStatus.RETIRING,
    )
    return session.exec(query.limit(1)).first() is not None


def _serves(session: Session, deployment_id: str, place: Place) -> bool:
    query = select(Instance.id).where(
        Instance.deployment_id == deployment_id,
        Instance.service == place.service,
        Instance.ordinal == place.ordinal,
        Instance.status == InstanceStatus.SERVING,
    )
    return session.exec(query.limit(1)).first() is not None


def _route_without(session: Session, active: _Active, instance_ids: Collection[str]) -> Route | None:
    app = is_free_to_change(session, active)
    if app is None:
        return None
    rows = [row for row in serving_rows(session, active.deployment_id) if row.id not in instance_ids]
    addresses = tuple(addresses_of(rows))
    state = RouteState.AWAKE if addresses else RouteState.STOPPED
    return write_intent(session, app.id, state, addresses, active.deployment_id)


def _retire(session: Session, context: Context, route: Route, instance_ids: Sequence[str]) -> None:
    app = session.get_one(App, route.app_id, with_for_update=True)
    if app.last_route != route.generation:
        return
    for row in session.exec(select(Instance).where(col(Instance.id).in_(instance_ids))).all():
        if row.status is InstanceStatus.SERVING:
            retire(session, context, row, "there is one too many")


def _is_one_for_one(rows: Sequence[InstanceRow], active: _Active, replicas: Mapping[str, int]) -> bool:
    """Most apps have one instance, and it serves: ten thousand of them are passed over without counting."""
    if len(rows) != 1 or sum(replicas.values()) != 1:
        return False
    [row] = rows
    ours = row.deployment_id == active.deployment_id and row.status is InstanceStatus.SERVING
    return ours and row.ordinal == 0 and replicas.get(row.service) == 1


def _is_left_over(row: InstanceRow, active: _Active) -> bool:
    return row.deployment_id != active.deployment_id and row.status is InstanceStatus.SERVING


def _by_app(rows: Sequence[InstanceRow]) -> Mapping[str, list[InstanceRow]]:
    found: defaultdict[str, list[InstanceRow]] = defaultdict(list)
    for row in rows:
        found[row.app_id].append(row)
    return found


def _active(session: Session, watch: HealWatch) -> list[_Active]:
    """What is active, and left alone by everybody else; fills `watch.replicas`, so that each release is read once."""
    at_work = select(Deployment.app_id).where(col(Deployment.status).in_(AT_WORK))
    query = (
        select_columns(_DEPLOYMENT.id, _DEPLOYMENT.app_id, _DEPLOYMENT.release_id, _APP.scaled_to)
        .join_from(_DEPLOYMENT.id.table, _APP.id.table, _APP.id == _DEPLOYMENT.app_id)
        .where(_DEPLOYMENT.status == DeploymentStatus.ACTIVE, _DEPLOYMENT.release_id.is_not(None))
        .where(_APP.stopped.is_(False), _APP.asleep_since.is_(None), _APP.deleting_at.is_(None))
        .where(_DEPLOYMENT.app_id.not_in(at_work))
    )
    active = [_Active._make(row) for row in session.execute(query)]
    for release_id, scaled_to in {(each.release_id, each.scaled_to) for each in active} - watch.replicas.keys():
        services = session.get_one(Release, release_id).config.scaled(scaled_to).services
        watch.replicas[release_id, scaled_to] = {each.name: each.replicas for each in services}
    return active
