"""Versions of the configuration of an app: history, what two differ in, and the way back."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.paging import WindowDep
from slipyard.api.views.configuration_views import (
    changed_view,
    difference_view,
    live_release,
    live_version,
    version_detail,
    version_view,
)
from slipyard.domain.explained import explain
from slipyard.domain.schemas.configuration_shapes import (
    ConfigChanged,
    ConfigDifference,
    ConfigExplained,
    ConfigVersionDetail,
    ConfigVersionList,
)
from slipyard.pipeline.configuration.change_configuration import restore_version
from slipyard.store.configuration import configuration_of, find_version, list_versions
from slipyard.store.tables import App

DeployDep = Annotated[
    bool, Query(alias="deploy", description="false: it counts from the next deployment on, and nothing restarts")
]
router = APIRouter(prefix="/apps/{app}/config", tags=["configuration"], route_class=GuardedRoute)


@router.get("", dependencies=[requires("apps:read")])
async def explained(app: AppDep, context: ContextDep) -> ConfigExplained:
    """Every value in force, and where it came from. Values of variables and secrets are not among them."""

    def query(session: Session) -> ConfigExplained:
        release = live_release(session, app)
        found = configuration_of(session, context.cipher, app.id)
        values = explain(app.config, found, release.config if release is not None else None)
        version = live_version(session, app)
        return ConfigExplained(app_id=app.id, version=app.last_config, live_version=version, values=values)

    return await context.database.reading(query)


@router.get("/versions", dependencies=[requires("apps:read")])
async def versions(app: AppDep, context: ContextDep, window: WindowDep) -> ConfigVersionList:
    """Newest first: who changed what, and which one is live."""

    def query(session: Session) -> ConfigVersionList:
        rows, total = list_versions(session, app.id, window.limit, window.offset)
        live = live_version(session, app)
        views = [version_view(app, row, live) for row in rows]
        return ConfigVersionList(**window.frame(total, len(rows)), versions=views)

    return await context.database.reading(query)


@router.get("/versions/{number}", dependencies=[requires("apps:read")])
async def version(app: AppDep, number: int, context: ContextDep, actor: ActorDep) -> ConfigVersionDetail:
    """Names and fingerprints; values of variables for who may change them, of secrets for nobody."""

    def query(session: Session) -> ConfigVersionDetail:
        row = find_version(session, app, number)
        return version_detail(context, app, row, live_version(session, app), actor)

    return await context.database.reading(query)


@router.get("/diff", dependencies=[requires("apps:read")])
async def diff(
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    before: Annotated[int | None, Query(alias="from", description="Default: what is live, else the one before")] = None,
    after: Annotated[int | None, Query(alias="to", description="Default: the newest")] = None,
) -> ConfigDifference:
    """What one version has that another one has not."""

    def query(session: Session) -> ConfigDifference:
        newest = after if after is not None else app.last_config
        oldest = before if before is not None else _usual(session, app, newest)
        rows = (find_version(session, app, oldest), find_version(session, app, newest))
        return difference_view(context, app, rows, actor)

    return await context.database.reading(query)


@router.post("/versions/{number}/restore", dependencies=[requires("apps:write")])
async def restore(
    app: AppDep, number: int, context: ContextDep, actor: ActorDep, deploy: DeployDep = True
) -> ConfigChanged:
    """Variables and secrets of that version become a new one, and go live with the image that is live."""
    return changed_view(app, await restore_version(context, app.id, number, actor, release=deploy))


def _usual(session: Session, app: App, newest: int) -> int:
    live = live_version(session, app)
    return live if live and live != newest else max(1, newest - 1)
