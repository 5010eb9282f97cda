"""What runs now: status, instances, and what they write."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import AwareDatetime

from slipyard.api.access.dependencies import AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.streams.app_logs import LogQuery, LogSource, follow_logs, log_text, recent_logs
from slipyard.api.streams.sse import event, event_stream, wants_events
from slipyard.api.views.runtime_views import instance_views, status_view
from slipyard.domain.errors import NotFound
from slipyard.domain.schemas.runtime_output import InstanceList, LogView, PodList, StatusView
from slipyard.pipeline.context import Context
from slipyard.store.kept_output import KeptOutput
from slipyard.store.queries.instances import writing_instances
from slipyard.store.tables import App, Instance

router = APIRouter(
    prefix="/apps/{app}", tags=["run time"], route_class=GuardedRoute, dependencies=[requires("apps:read")]
)
_DEFAULT_LINES = 200
_MOST_LINES = 2000
LinesDep = Annotated[int | None, Query(ge=1, le=_MOST_LINES, description="The newest lines; default 200")]


@router.get("/status")
async def status(app: AppDep, context: ContextDep) -> StatusView:
    """What runs now, and why the app is in its state."""
    return await context.database.reading(lambda session: status_view(session, app, context.settings))


@router.get("/instances")
async def instances(app: AppDep, context: ContextDep) -> InstanceList:
    """Everything whose container may be there."""
    return InstanceList(instances=await context.database.reading(lambda session: instance_views(session, app)))


@router.get("/pods")
async def pods(app: AppDep, context: ContextDep) -> PodList:
    """The instances, for who calls them pods."""
    return PodList(pods=await context.database.reading(lambda session: instance_views(session, app)))


@router.get(
    "/logs",
    response_model=LogView,
    responses={200: {"content": {"text/plain": {}, "text/event-stream": {}}}},
)
async def logs(
    app: AppDep,
    request: Request,
    context: ContextDep,
    lines: LinesDep = None,
    tail: LinesDep = None,
    limit: LinesDep = None,
    since: Annotated[AwareDatetime | None, Query(description="RFC 3339")] = None,
    until: Annotated[AwareDatetime | None, Query(description="RFC 3339")] = None,
    instance: Annotated[str | None, Query(description="Id of one instance, also of one that is gone")] = None,
    container: Annotated[str | None, Query(description="The same as instance")] = None,
    service: Annotated[str | None, Query()] = None,
    stream: Annotated[str | None, Query(pattern="^(stdout|stderr)$")] = None,
    search: Annotated[str | None, Query(max_length=200)] = None,
) -> Response | LogView:
    """JSON; `Accept: text/plain` gives lines; `Accept: text/event-stream` follows. The last of instances that are gone is
    among it."""
    source = LogSource(context.driver, KeptOutput(context.layout.kept_output))
    chosen = await _instances(context, source, app, instance or container, service)
    query = LogQuery(lines or tail or limit or _DEFAULT_LINES, since, until, stream, search)
    if wants_events(request):
        return event_stream(_log_events(source, chosen, query))
    entries, has_more = await recent_logs(source, chosen, query)
    if "text/plain" in request.headers.get("accept", ""):
        return PlainTextResponse(log_text(entries))
    return LogView(app_id=app.id, instance_id=instance or container, logs=entries, has_more=has_more)


async def _instances(
    context: Context, source: LogSource, app: App, instance: str | None, service: str | None
) -> list[Instance]:
    """All whose container may be there, and those that are gone of whom something was kept."""
    kept = await asyncio.to_thread(source.kept.instances, app.id)
    rows = await context.database.reading(lambda session: writing_instances(session, app.id, kept))
    chosen = [row for row in rows if instance in {None, row.id} and service in {None, row.service}]
    if (rows or instance) and not chosen:
        raise NotFound(f"{app.slug} has no such instance or service now; GET .../instances lists what there is.")
    return [row for row in chosen if row.container_id is not None]


async def _log_events(source: LogSource, rows: list[Instance], query: LogQuery) -> AsyncIterator[bytes]:
    async for entry in follow_logs(source, rows, query):
        yield event(entry.model_dump_json(), kind="log")
