"""What keeps deployments back or visitors out: locks, approvals, maintenance."""

from typing import Annotated

from fastapi import APIRouter, Body, Response

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.action_answer import WaitDep, deployment_answer, done_answer
from slipyard.domain.schemas.deploy_input import Lock, Maintenance, Reject
from slipyard.domain.schemas.outgoing import Action
from slipyard.pipeline.lock_app import lock_app, unlock_app
from slipyard.pipeline.maintain import maintain
from slipyard.pipeline.rollout.approve_deployment import approve_deployment, reject_deployment

router = APIRouter(
    prefix="/apps/{app}",
    tags=["build and deploy"],
    route_class=GuardedRoute,
    dependencies=[requires("apps:deploy")],
    responses={200: {"model": Action, "description": "It was so already, or it is over"}},
)


@router.post("/lock", status_code=202)
async def lock(
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    response: Response,
    body: Annotated[Lock | None, Body()] = None,
) -> Action:
    """Deployments are taken and wait, with the reason; what is being rolled out goes on."""
    done = await lock_app(context, app.id, body.reason if body else "", actor)
    return await done_answer(context, app, done, 0, response)


@router.post("/unlock", status_code=202)
async def unlock(app: AppDep, context: ContextDep, actor: ActorDep, response: Response) -> Action:
    """What waited goes."""
    return await done_answer(context, app, await unlock_app(context, app.id, actor), 0, response)


@router.post("/maintenance", status_code=202)
async def maintenance(
    body: Maintenance, app: AppDep, context: ContextDep, actor: ActorDep, response: Response
) -> Action:
    """A page with status 503 instead of the app. Deployments go on behind it; switching it off shows the newest."""
    done = await maintain(context, app.id, body.message if body.enabled else None, actor)
    return await done_answer(context, app, done, 0, response)


@router.post("/deployments/{deployment_id}/approve", status_code=202)
async def approve(
    app: AppDep, deployment_id: str, context: ContextDep, actor: ActorDep, wait: WaitDep, response: Response
) -> Action:
    """Lets a deployment of a protected app go. 403 for whoever asked for it, with any of their tokens, and for jobs of a CI."""
    row = await approve_deployment(context, app.id, deployment_id, actor)
    return await deployment_answer(context, row, wait, response)


@router.post("/deployments/{deployment_id}/reject", status_code=202)
async def reject(
    app: AppDep,
    deployment_id: str,
    context: ContextDep,
    actor: ActorDep,
    response: Response,
    body: Annotated[Reject | None, Body()] = None,
) -> Action:
    """Cancels what waits for an approval. Whoever asked may do so too."""
    row = await reject_deployment(context, app.id, deployment_id, body.reason if body else "", actor)
    return await deployment_answer(context, row, 0, response)
