"""What an app uses and answers."""

import asyncio
import math
from typing import Annotated

from fastapi import APIRouter, Query

from slipyard.api.access.dependencies import AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.views.metrics_view import Asked, series_view
from slipyard.domain.duration import seconds_in
from slipyard.domain.errors import NotFound, ValidationFailed
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.schemas.metrics_output import MetricsView
from slipyard.store.queries.instances import instances_of
from slipyard.store.queries.measured import services_by_instance
from slipyard.store.series.files import Measured, SeriesFiles
from slipyard.store.series.ring import COARSE, FINE

router = APIRouter(
    prefix="/apps/{app}", tags=["run time"], route_class=GuardedRoute, dependencies=[requires("apps:read")]
)
_USUAL_POINTS, _MOST_POINTS = 240, COARSE.slots
SpanDep = Annotated[str | None, Query(max_length=20, examples=["1h", "7d", "90"])]


@router.get("/metrics")
async def metrics(
    app: AppDep,
    context: ContextDep,
    range: SpanDep = None,  # noqa: A002 - its name in the URL
    step: SpanDep = None,
    service: Annotated[str | None, Query(max_length=100)] = None,
    instance: Annotated[str | None, Query(max_length=100, description="Its id, also of one that is gone")] = None,
) -> MetricsView:
    """Of each service and each instance: now beside its limit. `?range=1h&step=15s` adds what was: 15 s for a day,
    5 min for 30 days; of instances with a range only the one asked for."""
    asked = _asked(int(context.clock.now().timestamp()), range, step)
    files = SeriesFiles(context.layout.metrics)
    there = {row.id for row in await context.database.reading(lambda session: instances_of(session, app.id))}
    services = await context.database.reading(
        lambda session: services_by_instance(session, [app.id], tuple(InstanceStatus))
    )
    known = await asyncio.to_thread(files.of_app, app.id)
    chosen = _chosen(known, there, asked, service, instance)
    return MetricsView(
        app_id=app.id,
        range_seconds=None if asked.first is None else asked.now - asked.first,
        step_seconds=asked.step,
        series=await asyncio.to_thread(
            lambda: [series_view(files, app.id, each, asked, services.get(each.name, "")) for each in chosen]
        ),
    )


def _asked(now: int, span: str | None, step: str | None) -> Asked:
    if span is None:
        return Asked(now, None, FINE.step)
    seconds = _seconds("range", span)
    wanted = _seconds("step", step) if step is not None else seconds / _USUAL_POINTS
    level = FINE if seconds <= FINE.seconds and wanted < COARSE.step else COARSE
    if not FINE.step <= seconds <= COARSE.seconds:
        raise ValidationFailed(f"range is between {FINE.step}s and {COARSE.seconds // 86400}d; {span!r} is not.")
    width = max(1, math.ceil(wanted / level.step)) * level.step
    if seconds / width > _MOST_POINTS:
        raise ValidationFailed(
            f"That would be more than {_MOST_POINTS} points; ask for a longer step or a shorter range."
        )
    return Asked(now, now - int(seconds), width)


def _seconds(name: str, text: str) -> float:
    try:
        return seconds_in(text)
    except ValueError as error:
        raise ValidationFailed(f"{name}: {error}") from error


def _chosen(
    known: list[Measured], there: set[str], asked: Asked, service: str | None, instance: str | None
) -> list[Measured]:
    """Instances that are gone are shown only where they are asked for."""
    if instance is not None or service is not None:
        found = [
            each for each in known if each in {Measured("instance", instance or ""), Measured("service", service or "")}
        ]
        if not found:
            raise NotFound(
                f"Nothing was measured of {instance or service}; GET .../metrics lists what is, some 30 s after its start."
            )
        return found
    return [each for each in known if each.kind == "service" or (asked.first is None and each.name in there)]
