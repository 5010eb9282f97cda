"""Where output is forwarded to: syslog, any HTTP receiver, Loki."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.domain.schemas.drain_shapes import ChangeDrain, CreateDrain, DrainList, DrainTest, DrainView
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.context import Context
from slipyard.pipeline.observing.log_drains import NewDrain, change_drain, make_drain, remove_drain, try_drain
from slipyard.store.drain_progress import read_progress
from slipyard.store.queries.apps import find_app
from slipyard.store.queries.log_drains import find_drain, list_drains
from slipyard.store.tables import LogDrain

router = APIRouter(tags=["run time"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")


@router.get("/log-drains", dependencies=[READ])
async def log_drains(
    context: ContextDep,
    actor: ActorDep,
    app: Annotated[str | None, Query(max_length=100, description="Those of one app alone, by id or slug")] = None,
) -> DrainList:
    """Those of the organization, by name, with what each has sent and dropped."""

    def query(session: Session) -> list[LogDrain]:
        app_id = None if app is None else find_app(session, actor.organization_id, app).id
        return list_drains(session, actor.organization_id, app_id)

    rows = await context.database.reading(query)
    return DrainList(log_drains=[await _view(context, row) for row in rows], total=len(rows))


@router.post("/log-drains", status_code=201, dependencies=[WRITE])
async def create(body: CreateDrain, context: ContextDep, actor: ActorDep) -> DrainView:
    """Forwards what is written from now on."""
    return await _view(context, await make_drain(context, NewDrain(**body.model_dump()), actor))


@router.get("/log-drains/{drain}", dependencies=[READ])
async def read(drain: str, context: ContextDep, actor: ActorDep) -> DrainView:
    """By id or name."""
    return await _view(
        context, await context.database.reading(lambda session: find_drain(session, actor.organization_id, drain))
    )


@router.patch("/log-drains/{drain}", dependencies=[WRITE])
async def change(drain: str, body: ChangeDrain, context: ContextDep, actor: ActorDep) -> DrainView:
    """Name, URL, authorization, tenant, and whether it is on."""
    return await _view(context, await change_drain(context, drain, body.model_dump(exclude_none=True), actor))


@router.delete("/log-drains/{drain}", dependencies=[WRITE])
async def delete(drain: str, context: ContextDep, actor: ActorDep) -> Done:
    """What waits for it is dropped."""
    row = await remove_drain(context, drain, actor)
    return Done(message=f"The log drain {row.name} is removed.")


@router.post("/log-drains/{drain}/test", dependencies=[WRITE])
async def test(drain: str, context: ContextDep, actor: ActorDep) -> DrainTest:
    """Sends one line now and says whether it was taken. Syslog acknowledges nothing: there it says that it was sent."""
    problem = await try_drain(context, drain, actor)
    return DrainTest(success=problem is None, message=problem or "It was taken.")


async def _view(context: Context, row: LogDrain) -> DrainView:
    progress = await asyncio.to_thread(read_progress, context.layout.drains, row.id)
    scheme, _, rest = context.cipher.decrypt(row.url_encrypted).decode().partition("://")
    return DrainView(
        **row.model_dump(include={"id", "app_id", "name", "kind", "tenant", "enabled", "created_at"}),
        target=f"{scheme}://{rest.partition('/')[0]}",
        sent=progress.sent,
        dropped=progress.dropped,
        refused=progress.refused,
        last_error=progress.last_error,
    )
