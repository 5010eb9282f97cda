"""Stores elsewhere that secrets are read from. Programs and directories of this machine are the administrator's to name."""

from fastapi import APIRouter
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.views.configuration_views import store_view
from slipyard.domain.schemas.configuration_shapes import (
    AddSecretStore,
    SecretStoreList,
    SecretStoreView,
    TrySecretStore,
)
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.configuration.secret_stores import add_store, list_stores, remove_store, settings_in, try_store

router = APIRouter(prefix="/secret-stores", tags=["configuration"], route_class=GuardedRoute)


@router.get("", dependencies=[requires("apps:read")])
async def stores(context: ContextDep, actor: ActorDep) -> SecretStoreList:
    """Those of the organization, by name."""

    def query(session: Session) -> SecretStoreList:
        rows = list_stores(session, actor.organization_id)
        views = [store_view(row, settings_in(context.cipher, row)) for row in rows]
        return SecretStoreList(secret_stores=views, total=len(views))

    return await context.database.reading(query)


@router.post("", status_code=201, dependencies=[requires("admin")])
async def add(body: AddSecretStore, context: ContextDep, actor: ActorDep) -> SecretStoreView:
    """Another one of the same name takes its place. `test` says whether it answers."""
    return store_view(await add_store(context, body.name, body.settings, actor), body.settings)


@router.post("/{name}/test", dependencies=[requires("admin")])
async def test(name: str, body: TrySecretStore, context: ContextDep, actor: ActorDep) -> Done:
    """Reads one secret, and says how long it is."""
    length = await try_store(context, name, body.key, actor)
    return Done(message=f"{name} has {body.key}: {length} characters.")


@router.delete("/{name}", dependencies=[requires("admin")])
async def delete(name: str, context: ContextDep, actor: ActorDep) -> Done:
    """409 while secrets of apps come from there."""
    row = await remove_store(context, name, actor)
    return Done(message=f"The store {row.name} is removed. Releases keep what they have from it.")
