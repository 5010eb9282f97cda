"""The log of a build, and the progress of a deployment: read from a byte, or followed."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse
from sqlmodel import Session

from slipyard.api.access.dependencies import AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.streams.log_lines import follow_lines
from slipyard.api.streams.progress import LogLines, Position, Progress, StatusChange, follow_deployment
from slipyard.api.streams.sse import event, event_stream, resume_at, wants_events
from slipyard.domain.errors import NotFound
from slipyard.domain.lifecycle import is_over
from slipyard.pipeline.context import Context
from slipyard.store.log_file import LogFile
from slipyard.store.queries.builds import find_build, latest_build
from slipyard.store.queries.deployments import find_deployment
from slipyard.store.tables import Build, Deployment

router = APIRouter(
    prefix="/apps/{app}",
    tags=["build and deploy"],
    route_class=GuardedRoute,
    dependencies=[requires("apps:read")],
    default_response_class=PlainTextResponse,
)
_AT_MOST = 4 * 1024 * 1024
OffsetDep = Annotated[int, Query(ge=0, le=10**17, description="The first byte wanted; see X-Next-Offset")]


@router.get("/build-log")
async def latest_build_log(app: AppDep, request: Request, context: ContextDep, offset: OffsetDep = 0) -> Response:
    """Of the newest build, as text; `Accept: text/event-stream` follows it."""
    build = await context.database.reading(lambda session: latest_build(session, app.id))
    if build is None:
        raise NotFound(f"{app.slug} was never built, so there is no build log. Push to it, or run `slipyard deploy`.")
    return await _build_log(request, context, build, offset)


@router.get("/builds/{build_id}/log")
async def build_log(
    app: AppDep, build_id: str, request: Request, context: ContextDep, offset: OffsetDep = 0
) -> Response:
    """As text; `Accept: text/event-stream` follows it. The id of an event is the byte to resume at."""
    build = await context.database.reading(lambda session: find_build(session, app.id, build_id))
    return await _build_log(request, context, build, offset)


@router.get("/deployments/{deployment_id}/log")
async def deployment_log(
    app: AppDep, deployment_id: str, request: Request, context: ContextDep, offset: OffsetDep = 0
) -> Response:
    """Of the rollout, as text; `Accept: text/event-stream` follows it. `.../progress` has the build's too."""
    row = await context.database.reading(lambda session: find_deployment(session, app.id, deployment_id))

    async def over() -> bool:
        return await context.database.reading(lambda session: is_over(session.get_one(Deployment, row.id).status))

    return await _log(request, context.layout.deployment_log(row.id), offset, over)


@router.get("/deployments/{deployment_id}/progress")
async def progress(app: AppDep, deployment_id: str, request: Request, context: ContextDep) -> Response:
    """One stream for everything until the outcome. Events: `build` and `rollout` (lines of the logs), `status`, `done`."""
    row = await context.database.reading(lambda session: find_deployment(session, app.id, deployment_id))
    position = Position.parse(request.headers.get("last-event-id", ""))
    return event_stream(_progress_events(context, row.id, position))


async def _build_log(request: Request, context: Context, build: Build, offset: int) -> Response:
    def finished(session: Session) -> bool:
        return session.get_one(Build, build.id).finished_at is not None

    async def over() -> bool:
        return await context.database.reading(finished)

    return await _log(request, context.layout.build_log(build.id), offset, over)


async def _log(request: Request, path: Path, offset: int, is_over_now: Callable[[], Awaitable[bool]]) -> Response:
    if wants_events(request):
        return event_stream(_line_events(path, resume_at(request, offset), is_over_now))
    over = await is_over_now()
    data = await asyncio.to_thread(LogFile(path).read, offset, _AT_MOST)
    headers = {"X-Next-Offset": str(offset + len(data)), "X-Log-Complete": "true" if over else "false"}
    return Response(data, headers=headers, media_type="text/plain; charset=utf-8")


async def _line_events(path: Path, offset: int, is_over_now: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    at = offset
    async for lines in follow_lines(path, offset, is_over_now):
        at = lines.offset
        yield event(lines.text, identity=str(at))
    yield event("", kind="done", identity=str(at))


async def _progress_events(context: Context, deployment_id: str, position: Position) -> AsyncIterator[bytes]:
    async for step in follow_deployment(context, deployment_id, position):
        yield _progress_event(step)


def _progress_event(step: Progress) -> bytes:
    identity = str(step.position)
    if isinstance(step, LogLines):
        return event(step.text, kind=step.log, identity=identity)
    facts = {name: value for name, value in asdict(step).items() if name != "position"}
    return event(json.dumps(facts), kind="status" if isinstance(step, StatusChange) else "done", identity=identity)
