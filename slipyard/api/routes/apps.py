"""Apps: list, create, read, change, delete."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.app_filter import AppFilterDep
from slipyard.api.routes.etag import IfVersion, etag
from slipyard.api.routes.paging import WindowDep
from slipyard.api.views.app_view import app_view
from slipyard.api.views.surroundings import surroundings, surroundings_of
from slipyard.domain.app import AppConfig
from slipyard.domain.schemas.app_input import ChangeApp, CreateApp
from slipyard.domain.schemas.app_output import AppList, AppView
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.change_app import AppChanges, change_app
from slipyard.pipeline.context import Context
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.delete_app import delete_app
from slipyard.store.queries.app_list import list_apps
from slipyard.store.tables import App

router = APIRouter(prefix="/apps", tags=["apps"], route_class=GuardedRoute)
_LOOK_SECONDS = 0.1
_WHOLE = {"build_args", "headers"}  # names of the user's own


@router.get("", dependencies=[requires("apps:read", one_app=True)])
async def list_all(context: ContextDep, wanted: AppFilterDep, window: WindowDep) -> AppList:
    """The apps that this token sees."""

    def query(session: Session) -> AppList:
        apps, total = list_apps(session, wanted)
        around = surroundings(session, apps)
        views = [app_view(app, around[app.id], context.settings) for app in apps]
        return AppList(apps=views, **window.frame(total, len(apps)))

    return await context.database.reading(query)


@router.post("", status_code=201, dependencies=[requires("apps:write")])
async def create(body: CreateApp, context: ContextDep, actor: ActorDep, response: Response) -> AppView:
    """Only `name` is required. An app with an image or a repository is deployed at once unless `deploy` is false."""
    config = AppConfig.model_validate(body.config_changes())
    new = NewApp(
        name=body.name,
        slug=body.slug,
        description=body.description,
        labels=body.labels,
        environment=body.environment,
        config=config,
        env=body.env_vars,
        deploy=body.wants_deployment,
        plan=body.plan,
        template=body.template_id,
        region=body.region,
    )
    created = await create_app(context, new, actor)
    response.headers["Location"] = f"/v1/apps/{created.app.id}"
    return await _answer(context, created.app, response)


@router.get("/{app}", dependencies=[requires("apps:read")])
async def read(app: AppDep, context: ContextDep, response: Response) -> AppView:
    """With the last 20 deployments."""
    return await _answer(context, app, response)


@router.patch("/{app}", dependencies=[requires("apps:write")])
@router.put("/{app}", dependencies=[requires("apps:write")])
async def change(
    body: ChangeApp, app: AppDep, context: ContextDep, actor: ActorDep, version: IfVersion, response: Response
) -> AppView:
    """Changes only what is given; `env_vars` and `labels` replace the whole set. Takes effect with the next deployment."""
    body.refuse_immutable(app.slug, app.plan, app.region)
    changed = await change_app(context, app.id, _changes(body, app), actor, version)
    return await _answer(context, changed, response)


@router.delete("/{app}", status_code=202, dependencies=[requires("apps:write")], response_model=Done)
async def delete(
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    wait: Annotated[bool, Query(description="Answer 204 when everything of it is gone")] = False,
    volumes: Annotated[list[str], Query(max_length=64, description="Which volumes go too, with their data")] = [],  # noqa: B006 - FastAPI copies it
) -> Response | Done:
    """Stops answering at once; containers, network, routes and images follow in the background. Volumes stay, unless they
    are named. So does, where `connect`
    made a webhook or a deploy key at a code host, their removal there: as soon as the host answers, for a week."""
    taken_back = await delete_app(context, app.id, actor, volumes)
    if wait:
        await _until_removed(context, app.id)
        return Response(status_code=204)
    said = f"{app.slug} is being deleted; its containers, network and images follow."
    return Done(message=" ".join([said, *taken_back]))


async def _answer(context: Context, app: App, response: Response) -> AppView:
    around = await context.database.reading(lambda session: surroundings_of(session, app))
    response.headers["ETag"] = etag(app.version)
    return app_view(app, around, context.settings)


def _changes(body: ChangeApp, app: App) -> AppChanges:
    given = body.model_fields_set
    changes = body.config_changes()
    return AppChanges(
        name=body.name,
        description=body.description if "description" in given else None,
        labels=body.labels if "labels" in given else None,
        environment=body.environment if "environment" in given else None,
        config=merged_config(app.config, changes) if changes else None,
        env=body.env_vars if "env_vars" in given else None,
    )


def merged_config(config: AppConfig, changes: dict[str, object]) -> AppConfig:
    """Nested values are merged too: a new branch leaves the Dockerfile of the source as it is."""
    return AppConfig.model_validate(_merged(config.model_dump(mode="json"), changes))


def _merged(given: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(given)
    for name, value in changes.items():
        nested = isinstance(value, dict) and isinstance(merged[name], dict) and name not in _WHOLE
        merged[name] = _merged(merged[name], value) if nested else value
    return merged


async def _until_removed(context: Context, app_id: str) -> None:
    def removed(session: Session) -> bool:
        return session.get_one(App, app_id).deleted_at is not None

    while not await context.database.reading(removed):  # noqa: ASYNC110 - another process removes it
        await asyncio.sleep(_LOOK_SECONDS)
