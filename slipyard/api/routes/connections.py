"""Tokens for the APIs of code hosts: what statuses, webhooks and deploy keys are made with."""

from fastapi import APIRouter

from slipyard.api.access.dependencies import ActorDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.views.connection_view import connection_view
from slipyard.domain.schemas.connection_shapes import ConnectionList, ConnectionView, CreateConnection
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.outside.connect import NewConnection, connect, remove_connection
from slipyard.store.queries.connections import list_connections

router = APIRouter(prefix="/connections", tags=["code hosts"], route_class=GuardedRoute)


@router.get("", dependencies=[requires("apps:read")])
async def connections(context: ContextDep, actor: ActorDep) -> ConnectionList:
    """Those of the organization, by provider and host."""
    rows = await context.database.reading(lambda session: list_connections(session, actor.organization_id))
    return ConnectionList(connections=[connection_view(row) for row in rows], total=len(rows))


@router.post("", status_code=201, dependencies=[requires("admin")])
async def create(body: CreateConnection, context: ContextDep, actor: ActorDep) -> ConnectionView:
    """The token is tried at the host before it is stored. A second one for the same host takes the place of the first."""
    return connection_view(await connect(context, NewConnection(body.provider, body.token, body.url), actor))


@router.delete("/{connection}", dependencies=[requires("admin")])
async def delete(connection: str, context: ContextDep, actor: ActorDep) -> Done:
    """By id, host or provider. Refused while webhooks that it made are there."""
    row = await remove_connection(context, connection, actor)
    return Done(message=f"The connection to {row.host} is removed; its token is forgotten.")
