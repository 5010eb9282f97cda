"""What happened to an app, in order, without gaps; listed or followed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from slipyard.api.access.dependencies import AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.streams.sse import event, event_stream, resume_at, wants_events
from slipyard.api.views.runtime_views import event_view
from slipyard.domain.schemas.runtime_output import EventList
from slipyard.pipeline.context import Context
from slipyard.store.events import events_after
from slipyard.store.tables import Event

router = APIRouter(prefix="/apps/{app}/events", tags=["run time"], route_class=GuardedRoute)
_LOOK_SECONDS = 0.25
_AT_ONCE = 100


@router.get("", dependencies=[requires("apps:read")], response_model=EventList)
async def events(
    app: AppDep,
    request: Request,
    context: ContextDep,
    after: Annotated[int, Query(ge=0, le=10**17, description="The last sequence number that is known")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = _AT_ONCE,
    newest: Annotated[bool, Query(description="The last `limit` of them instead of the first")] = False,
    kind: Annotated[str | None, Query(max_length=64, description="`deployment.failed`, or all of `deployment`")] = None,
) -> Response | EventList:
    """Oldest first. `Accept: text/event-stream` follows; the id of an event is its sequence number."""
    if wants_events(request):
        return event_stream(_stream(context, app.id, resume_at(request, after), kind))
    rows = await context.database.reading(
        lambda session: events_after(session, app.id, after, limit + 1, kind=kind, newest=newest)
    )
    views = [event_view(row) for row in (rows[-limit:] if newest else rows[:limit])]
    return EventList(events=views, has_more=len(rows) > limit, next_after=views[-1].sequence if views else after)


async def _stream(context: Context, app_id: str, after: int, kind: str | None) -> AsyncIterator[bytes]:
    known = after
    while True:
        rows = await _after(context, app_id, known, kind)
        for row in rows:
            known = row.sequence
            yield event(event_view(row).model_dump_json(), kind=row.kind, identity=str(row.sequence))
        if not rows:
            await asyncio.sleep(_LOOK_SECONDS)


async def _after(context: Context, app_id: str, known: int, kind: str | None) -> list[Event]:
    return await context.database.reading(lambda session: events_after(session, app_id, known, _AT_ONCE, kind=kind))
