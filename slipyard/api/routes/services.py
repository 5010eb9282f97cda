"""Services of an app: processes of its own image, and others beside them, such as a database."""

from fastapi import APIRouter, Response
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.configuration import DeployDep
from slipyard.api.views.configuration_views import live_release
from slipyard.api.views.service_views import changed_services_view, service_views
from slipyard.domain.errors import NotFound
from slipyard.domain.schemas.service_shapes import (
    NewService,
    Scale,
    ServiceChanges,
    ServiceList,
    ServicesChangedView,
    ServiceView,
)
from slipyard.pipeline.change_services import ServicesChanged, remove_service, scale_services, set_service
from slipyard.pipeline.context import Context
from slipyard.store.queries.instances import running_by_service
from slipyard.store.tables import App

router = APIRouter(prefix="/apps/{app}", tags=["run time"], route_class=GuardedRoute)


@router.get("/services", dependencies=[requires("apps:read")])
async def services(app: AppDep, context: ContextDep) -> ServiceList:
    """Those of the release that is live."""
    return ServiceList(services=await _views(context, app))


@router.get("/services/{name}", dependencies=[requires("apps:read")])
async def service(name: str, app: AppDep, context: ContextDep) -> ServiceView:
    """As it is live."""
    found = next((each for each in await _views(context, app) if each.name == name), None)
    if found is None:
        raise NotFound(f"What is live of {app.slug} has no service {name!r}; GET .../services lists them.")
    return found


@router.post("/services", status_code=201, dependencies=[requires("apps:write")])
async def add_service(
    body: NewService, app: AppDep, context: ContextDep, actor: ActorDep, deploy: DeployDep = True
) -> ServicesChangedView:
    """Of an image of its own, or another process of the app's. What is live goes on as a new release with it."""
    changed = await set_service(context, app.id, body.name, body.applied, actor, new=True, release=deploy)
    return changed_services_view(app, changed)


@router.patch("/services/{name}", dependencies=[requires("apps:write")])
async def change_service(
    name: str, body: ServiceChanges, app: AppDep, context: ContextDep, actor: ActorDep, deploy: DeployDep = True
) -> ServicesChangedView:
    """Only what is another one then starts anew; nothing is built."""
    return changed_services_view(app, await set_service(context, app.id, name, body.applied, actor, release=deploy))


@router.delete("/services/{name}", dependencies=[requires("apps:write")])
async def delete_service(
    name: str, app: AppDep, context: ContextDep, actor: ActorDep, response: Response
) -> ServicesChangedView:
    """Its instances end. Its volumes stay."""
    changed: ServicesChanged = await remove_service(context, app.id, name, actor)
    response.status_code = 200
    return changed_services_view(app, changed)


@router.post("/scale", dependencies=[requires("apps:deploy")])
async def scale(body: Scale, app: AppDep, context: ContextDep, actor: ActorDep) -> ServicesChangedView:
    """How many of each service run: a release of the same image. Only what is missing is started."""
    return changed_services_view(app, await scale_services(context, app.id, body.replicas, actor))


async def _views(context: Context, app: App) -> list[ServiceView]:
    def query(session: Session) -> list[ServiceView]:
        release = live_release(session, app)
        running = running_by_service(session, [app.id]).get(app.id, {})
        return service_views(release.config if release else None, running, stopped=app.stopped)

    return await context.database.reading(query)
