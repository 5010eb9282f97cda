"""Secrets of an app: written, and never shown."""

from typing import Annotated

from fastapi import APIRouter, Path
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.configuration import DeployDep
from slipyard.api.views.configuration_views import changed_view, secret_view
from slipyard.domain.schemas.configuration_shapes import ConfigChanged, SecretList, SetSecret
from slipyard.pipeline.configuration.change_secrets import NewSecret, remove_secret, set_secret
from slipyard.store.configuration import configuration_of, secret_rows

NameInPath = Annotated[str, Path(max_length=255, examples=["DB_PASSWORD"])]
router = APIRouter(prefix="/apps/{app}/secrets", tags=["configuration"], route_class=GuardedRoute)


@router.get("", dependencies=[requires("apps:read")])
async def secrets(app: AppDep, context: ContextDep) -> SecretList:
    """Names, fingerprints, and how each is used."""

    def query(session: Session) -> SecretList:
        found = configuration_of(session, context.cipher, app.id)
        views = [secret_view(row, found) for row in secret_rows(session, app.id)]
        return SecretList(app_id=app.id, secrets=views, total=len(views))

    return await context.database.reading(query)


@router.put("/{name}", dependencies=[requires("apps:write")])
async def put(
    app: AppDep, name: NameInPath, body: SetSecret, context: ContextDep, actor: ActorDep, deploy: DeployDep = True
) -> ConfigChanged:
    """Makes it or changes it whole. `${secret:NAME}` in a variable stands for its value; `path` makes it a file in every
    container; `use` build offers it to builds, and to nothing else."""
    new = NewSecret(name, body.value, body.origin, body.use, body.path, body.mode)
    return changed_view(app, await set_secret(context, app.id, new, actor, release=deploy))


@router.delete("/{name}", dependencies=[requires("apps:write")])
async def delete(
    app: AppDep, name: NameInPath, context: ContextDep, actor: ActorDep, deploy: DeployDep = True
) -> ConfigChanged:
    """422 while a variable refers to it. Releases that have it keep it."""
    return changed_view(app, await remove_secret(context, app.id, name, actor, release=deploy))
