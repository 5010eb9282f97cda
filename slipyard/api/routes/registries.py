"""Logins at registries of the organization: apps pull their images with them, builds the images that they start from."""

from fastapi import APIRouter

from slipyard.api.access.dependencies import ActorDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.domain.schemas.outgoing import Done
from slipyard.domain.schemas.registry_shapes import (
    KeepRegistry,
    RegistryList,
    RegistryTest,
    RegistryView,
    TryRegistry,
)
from slipyard.pipeline.sources.registry_logins import NewLogin, keep_login, remove_login, try_login
from slipyard.store.queries.registry_logins import find_login, list_logins
from slipyard.store.tables import RegistryLogin

router = APIRouter(prefix="/registries", tags=["registries"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")


@router.get("", dependencies=[READ])
async def registries(context: ContextDep, actor: ActorDep) -> RegistryList:
    """By host."""
    rows = await context.database.reading(lambda session: list_logins(session, actor.organization_id))
    return RegistryList(registries=[_view(row) for row in rows], total=len(rows))


@router.post("", status_code=201, dependencies=[WRITE])
async def keep(body: KeepRegistry, context: ContextDep, actor: ActorDep) -> RegistryView:
    """Used from the next pull on, by deployments, polling and builds, for this host and no other."""
    return _view(await keep_login(context, NewLogin(**body.model_dump()), actor))


@router.get("/{registry}", dependencies=[READ])
async def read(registry: str, context: ContextDep, actor: ActorDep) -> RegistryView:
    """By id or host."""
    return _view(await context.database.reading(lambda session: find_login(session, actor.organization_id, registry)))


@router.delete("/{registry}", dependencies=[WRITE])
async def delete(registry: str, context: ContextDep, actor: ActorDep) -> Done:
    """What runs goes on running; what is pulled next is pulled without a login."""
    host = await remove_login(context, registry, actor)
    return Done(message=f"The login for {host} is removed.")


@router.post("/{registry}/test", dependencies=[WRITE])
async def test(registry: str, body: TryRegistry, context: ContextDep, actor: ActorDep) -> RegistryTest:
    """Asks the registry whether it takes this login, or whether an image may be pulled with it. Nothing is pulled."""
    tried = await try_login(context, registry, body.image, actor)
    return RegistryTest(success=tried.works, message=tried.message, digest=tried.digest)


def _view(row: RegistryLogin) -> RegistryView:
    return RegistryView(**row.model_dump(include=set(RegistryView.model_fields)))
