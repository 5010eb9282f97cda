"""More instances of the routed service where its load asks for them, fewer where it does not, each with its reason.

Only `App.scaled_to` changes: `reconcile` starts what is missing, and lets what is too many finish its requests.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Text, or_, type_coerce
from sqlmodel import Session, col, select

from slipyard.domain.autoscaling import AutoscaleRules, Bounds, Load, Move, Sample, Standing, decide
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.scale.sample_load import sample_load
from slipyard.store.events import record
from slipyard.store.queries.deployments import AT_WORK
from slipyard.store.queries.instances import OCCUPIED
from slipyard.store.tables import App, Deployment, Instance, Release

# Read first is only what may; the value itself decides.
MAY_SCALE = or_(type_coerce(col(App.config), Text).like('%"autoscale":{%'), col(App.scaled_to).is_not(None))
_MOST_SAMPLES = 240  # an hour of them


@dataclass
class _Seen:
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=_MOST_SAMPLES))
    moved_at: float = float("-inf")


@dataclass
class ScaleWatch:
    """By app. A new leader begins without, and takes nobody away before it has watched for long enough."""

    seen: dict[str, _Seen] = field(default_factory=dict)


@dataclass(frozen=True)
class Scaled:
    """`count` is how many there are to be now."""

    app_id: str
    rules: AutoscaleRules | None
    bounds: Bounds
    count: int
    service: str
    addresses: tuple[str, ...]


async def autoscale(context: Context, watch: ScaleWatch) -> None:
    """One pass."""
    rows = await context.database.reading(_scaled)
    watch.seen = {each.app_id: watch.seen.get(each.app_id, _Seen()) for each in rows}
    for each in rows:
        if each.rules is None:
            await _left_alone(context, each)
            continue
        seen = watch.seen[each.app_id]
        await _look(context, each, seen)
        move = decide(each.rules, each.bounds, Standing(each.count, seen.samples, seen.moved_at))
        if move is not None and await _made(context, each, move):
            seen.moved_at = seen.samples[-1].at if seen.samples else context.clock.now().timestamp()


async def _look(context: Context, each: Scaled, seen: _Seen) -> None:
    newest = seen.samples[-1].at if seen.samples else 0.0
    in_flight = await context.router.in_flight(each.addresses)
    now = context.clock.now().timestamp()
    sample = await asyncio.to_thread(sample_load, context.layout.metrics, each.app_id, each.service, now)
    if sample is not None and sample.at > newest:
        seen.samples.append(Sample(sample.at, _with_streams(sample.loads, in_flight)))


def _with_streams(loads: Mapping[Load, float], in_flight: int) -> dict[Load, float]:
    """What is in flight now, websockets among it, is in no log yet; what was short is mostly over by now."""
    return {**loads, Load.CONCURRENCY: max(loads[Load.CONCURRENCY], float(in_flight))}


async def _made(context: Context, each: Scaled, move: Move) -> bool:
    return await context.database.writing(lambda session: _move(session, context, each, move))


def _move(session: Session, context: Context, each: Scaled, move: Move) -> bool:
    """False where somebody deploys or changes it at this moment."""
    app = session.get_one(App, each.app_id, with_for_update=True)
    at_work = select(Deployment.id).where(Deployment.app_id == app.id, col(Deployment.status).in_(AT_WORK))
    if app.config.autoscale != each.rules or session.exec(at_work.limit(1)).first() is not None:
        return False
    app.scaled_to = move.after
    session.add(app)
    data = {"before": move.before, "after": move.after}
    record(session, app.id, "app.scaled", f"{each.service} {move}.", now=context.clock.now(), **data)
    return True


async def _left_alone(context: Context, each: Scaled) -> None:
    await context.database.writing(lambda session: _let_be(session, context, each))


def _let_be(session: Session, context: Context, each: Scaled) -> None:
    app = session.get_one(App, each.app_id, with_for_update=True)
    if app.config.autoscale is None and app.scaled_to is not None:
        app.scaled_to = None
        session.add(app)
        message = f"{each.service} is not scaled by load any more: as many instances run as its release says."
        record(session, app.id, "app.scaled", message, now=context.clock.now())


def _scaled(session: Session) -> list[Scaled]:
    query = (
        select(App, Release)
        .join(Deployment, col(Deployment.app_id) == col(App.id))
        .join(Release, col(Release.id) == col(Deployment.release_id))
        .where(MAY_SCALE, col(Deployment.status) == DeploymentStatus.ACTIVE)
        .where(col(App.stopped).is_(False), col(App.asleep_since).is_(None), col(App.deleting_at).is_(None))
    )
    found = [_of(session, app, release) for app, release in session.exec(query).all()]
    return [each for each in found if each is not None]


def _of(session: Session, app: App, release: Release) -> Scaled | None:
    """None for what gets no requests, is to have no instance, or may have only one."""
    routed = release.config.scaled(app.scaled_to).routed
    if routed is None or not routed.replicas or routed.alone:
        return None
    least = max(1, app.config.least_instances)
    query = select(Instance.address).where(
        Instance.app_id == app.id, Instance.service == routed.name, col(Instance.status).in_(OCCUPIED)
    )
    addresses = tuple(f"{address}:{routed.port}" for address in session.exec(query).all())
    bounds = Bounds(least, max(least, app.config.max_instances))
    return Scaled(app.id, app.config.autoscale, bounds, routed.replicas, routed.name, addresses)
