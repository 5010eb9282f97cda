"""Which apps nobody has asked for long enough to let them sleep."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Text, type_coerce
from sqlmodel import Session, col, select

from slipyard.deployer.router import RouteState
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.scale.fall_asleep import fall_asleep
from slipyard.pipeline.scale.rest_sleepers import give_memory_back
from slipyard.store.series.files import Measured, SeriesFiles
from slipyard.store.series.ring import FINE
from slipyard.store.series.series import traffic_series
from slipyard.store.tables import App, Deployment, Release, RouteRow

# Most apps do not sleep: read first is only what may. The value itself decides.
MAY_SLEEP = type_coerce(col(App.config), Text).like('%"scale_to_zero":true%')


@dataclass
class IdleWatch:
    """When requests were last seen in flight, by app: a stream is written to the log when it ends."""

    busy: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class _Candidate:
    app_id: str
    timeout: timedelta
    used_at: datetime  # as far as the rows know
    service: str
    addresses: tuple[str, ...]


async def find_idle(context: Context, watch: IdleWatch) -> None:
    """One pass."""
    await give_memory_back(context)
    for each in await context.database.reading(_candidates):
        now = context.clock.now()
        used_at = max(each.used_at, watch.busy.get(each.app_id, each.used_at))
        if now - used_at < each.timeout or now - await _answered_at(context, each) < each.timeout:
            continue
        if await context.router.in_flight(each.addresses):
            watch.busy[each.app_id] = now
            continue
        watch.busy.pop(each.app_id, None)
        minutes = each.timeout.total_seconds() / 60
        await fall_asleep(context, each.app_id, f"nobody asked for it within {minutes:g} minutes")


async def _answered_at(context: Context, each: _Candidate) -> datetime:
    """The end of the last step in which it answered."""
    path = SeriesFiles(context.layout.metrics).traffic(each.app_id, Measured("service", each.service))
    newest = await asyncio.to_thread(lambda: traffic_series(path).totals())
    return datetime.fromtimestamp(newest[0] + FINE.step if newest else 0, UTC)


def _candidates(session: Session) -> list[_Candidate]:
    query = (
        select(App, Deployment, Release, RouteRow)
        .join(Deployment, col(Deployment.app_id) == col(App.id))
        .join(Release, col(Release.id) == col(Deployment.release_id))
        .join(RouteRow, col(RouteRow.app_id) == col(App.id))
        .where(MAY_SLEEP, col(App.stopped).is_(False))
        .where(col(Deployment.status) == DeploymentStatus.ACTIVE, col(Deployment.bake_until).is_(None))
        .where(col(RouteRow.state) == RouteState.AWAKE, col(App.deleting_at).is_(None))
    )
    return [_candidate(*row) for row in session.exec(query).all() if row[0].config.scale_to_zero]


def _candidate(app: App, deployment: Deployment, release: Release, route: RouteRow) -> _Candidate:
    routed = release.config.routed
    moments = [deployment.created_at, deployment.finished_at, app.used_at]
    return _Candidate(
        app_id=app.id,
        timeout=timedelta(minutes=app.config.idle_timeout_minutes),
        used_at=max(moment for moment in moments if moment is not None),
        service=routed.name if routed else "",
        addresses=tuple(dict.fromkeys(route.addresses)),
    )
