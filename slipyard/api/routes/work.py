"""Deployments, builds and releases: their history, and ending what has not ended."""

from fastapi import APIRouter, Response
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.action_answer import WaitDep, deployment_answer
from slipyard.api.routes.paging import WindowDep
from slipyard.api.views.deployment_views import deployment_views
from slipyard.api.views.work_views import build_view, release_view
from slipyard.domain.schemas.outgoing import Action
from slipyard.domain.schemas.work_output import (
    BuildList,
    BuildView,
    DeploymentList,
    DeploymentView,
    ReleaseList,
    ReleaseView,
)
from slipyard.pipeline.cancel import cancel_build, cancel_deployment
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.store.queries.builds import find_build, list_builds
from slipyard.store.queries.deployments import active_deployment, find_deployment, list_deployments
from slipyard.store.queries.releases import find_release, list_releases

router = APIRouter(prefix="/apps/{app}", tags=["build and deploy"], route_class=GuardedRoute)
READ, DEPLOY = requires("apps:read"), requires("apps:deploy")


@router.get("/deployments", dependencies=[READ])
async def deployments(app: AppDep, context: ContextDep, window: WindowDep) -> DeploymentList:
    """Newest first."""

    def query(session: Session) -> DeploymentList:
        rows, total = list_deployments(session, app.id, window.limit, window.offset)
        return DeploymentList(deployments=deployment_views(session, rows), **window.frame(total, len(rows)))

    return await context.database.reading(query)


@router.get("/deployments/{deployment_id}", dependencies=[READ])
async def deployment(app: AppDep, deployment_id: str, context: ContextDep) -> DeploymentView:
    """One deployment, with its spans and its outcome."""

    def query(session: Session) -> DeploymentView:
        return deployment_views(session, [find_deployment(session, app.id, deployment_id)])[0]

    return await context.database.reading(query)


@router.post("/deployments/{deployment_id}/cancel", status_code=202, dependencies=[DEPLOY])
async def cancel_a_deployment(
    app: AppDep, deployment_id: str, context: ContextDep, actor: ActorDep, wait: WaitDep, response: Response
) -> Action:
    """What serves goes on serving. 409 where it is over already."""
    row = await cancel_deployment(context, app.id, deployment_id, actor)
    answer = await deployment_answer(context, row, wait, response)
    return answer.model_copy(update={"success": True, "message": f"Deployment {row.number} is being cancelled."})


@router.post("/deployments/{deployment_id}/revert", status_code=202, dependencies=[DEPLOY])
async def revert(
    app: AppDep, deployment_id: str, context: ContextDep, actor: ActorDep, wait: WaitDep, response: Response
) -> Action:
    """Makes the release of that deployment live again."""
    row = await roll_back(context, app.id, deployment_id, actor)
    return await deployment_answer(context, row, wait, response)


@router.get("/builds", dependencies=[READ])
async def builds(app: AppDep, context: ContextDep, window: WindowDep) -> BuildList:
    """Newest first."""

    def query(session: Session) -> BuildList:
        rows, total = list_builds(session, app.id, window.limit, window.offset)
        return BuildList(builds=[build_view(row) for row in rows], **window.frame(total, len(rows)))

    return await context.database.reading(query)


@router.get("/builds/{build_id}", dependencies=[READ])
async def build(app: AppDep, build_id: str, context: ContextDep) -> BuildView:
    """One build, with its spans and its outcome."""
    return build_view(await context.database.reading(lambda session: find_build(session, app.id, build_id)))


@router.post("/builds/{build_id}/cancel", status_code=202, dependencies=[DEPLOY])
async def cancel_a_build(app: AppDep, build_id: str, context: ContextDep, actor: ActorDep) -> Action:
    """The build, and the deployment that waits for it. 409 where it is over already."""
    row = await cancel_build(context, app.id, build_id, actor)
    message = f"Build {row.number} is being cancelled."
    return Action(message=message, app_id=app.id, status=str(row.status), build_id=row.id)


@router.get("/releases", dependencies=[READ])
async def releases(app: AppDep, context: ContextDep, window: WindowDep) -> ReleaseList:
    """Newest first."""

    def query(session: Session) -> ReleaseList:
        rows, total = list_releases(session, app.id, window.limit, window.offset)
        active = active_deployment(session, app.id)
        active_id, signer = active.release_id if active else None, context.cipher.signer
        views = [release_view(session, signer, row, active_id) for row in rows]
        return ReleaseList(releases=views, **window.frame(total, len(rows)))

    return await context.database.reading(query)


@router.get("/releases/{release_id}", dependencies=[READ])
async def release(app: AppDep, release_id: str, context: ContextDep) -> ReleaseView:
    """One release: the image, the configuration that it stands for, and where the image comes from."""

    def query(session: Session) -> ReleaseView:
        active = active_deployment(session, app.id)
        row, active_id = find_release(session, app.id, release_id), active.release_id if active else None
        return release_view(session, context.cipher.signer, row, active_id, whole=True)

    return await context.database.reading(query)
