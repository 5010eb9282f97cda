"""Everything that starts, stops, builds or ships."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.action_answer import WaitDep, deployment_answer, done_answer
from slipyard.api.views.way_back_view import way_back_view
from slipyard.domain.errors import ValidationFailed
from slipyard.domain.schemas.deploy_input import Deploy, DeployImage, Promote, RollBack
from slipyard.domain.schemas.outgoing import Action, WayBackView
from slipyard.pipeline.change_services import ServicesChanged, stop_service
from slipyard.pipeline.context import Context
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.deploy_built_image import BuiltImage, deploy_built_image
from slipyard.pipeline.promote import Promotion, promote
from slipyard.pipeline.stop_app import ActionDone, restart_app, start_app, stop_app
from slipyard.pipeline.way_back.roll_back import roll_back
from slipyard.pipeline.way_back.way_back import way_back
from slipyard.store.queries.apps import find_seen_app
from slipyard.store.tables import App

DryRun = Annotated[bool, Query(description="Only say what would change, and which way it would take")]
ServiceDep = Annotated[str | None, Query(description="One service of it; default: the whole app")]
router = APIRouter(
    prefix="/apps/{app}",
    tags=["build and deploy"],
    route_class=GuardedRoute,
    dependencies=[requires("apps:deploy")],
    responses={200: {"model": Action, "description": "It was so already, or it is over"}},
)


@router.post("/deploy", status_code=202)
async def deploy(
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    wait: WaitDep,
    response: Response,
    body: Annotated[Deploy | None, Body()] = None,
) -> Action:
    """Image apps resolve their tag again, git apps build the head of their branch, upload apps the last upload."""
    asked = body or Deploy()
    if asked.rollback:
        row = await roll_back(context, app.id, None, actor, force=asked.force)
        return await deployment_answer(context, row, wait, response)
    request = DeployRequest(
        image=asked.image,
        ref=asked.ref,
        commit=asked.commit,
        replicas=asked.replicas,
        env=asked.env_vars,
        no_cache=asked.no_cache,
        title=asked.title,
        description=asked.description,
        trigger="api",
        force_reason=asked.force_reason,
    )
    return await deployment_answer(context, await deploy_app(context, app.id, request, actor), wait, response)


@router.post("/deploy/image", status_code=202)
async def deploy_image(
    body: DeployImage, app: AppDep, context: ContextDep, actor: ActorDep, wait: WaitDep, response: Response
) -> Action:
    """For images built elsewhere: makes the image the source of the app, and deploys it. With `commit`, one of an older
    commit than was deployed already changes nothing: 200, with a message that says so."""
    built = BuiltImage(body.image_uri, body.commit, body.title)
    outcome = await deploy_built_image(context, app.id, built, actor)
    if outcome.deployment is None:
        return await done_answer(context, app, ActionDone(outcome.message, changed=False), wait, response)
    return await deployment_answer(context, outcome.deployment, wait, response)


@router.post("/rollback", status_code=202)
async def rollback(
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    wait: WaitDep,
    response: Response,
    body: Annotated[RollBack | None, Body()] = None,
    dry_run: DryRun = False,
) -> Action | WayBackView:
    """To the release before, or to that of a deployment: image, environment and configuration together. With `dry_run`
    it says what would change and which way it would take, and does nothing."""
    asked = body or RollBack()
    if dry_run:
        response.status_code = 200
        return way_back_view(await way_back(context, app.id, asked.deployment_id))
    row = await roll_back(context, app.id, asked.deployment_id, actor, force=asked.force)
    return await deployment_answer(context, row, wait, response)


@router.post("/promote", status_code=202)
async def promote_image(
    body: Promote, app: AppDep, context: ContextDep, actor: ActorDep, wait: WaitDep, response: Response
) -> Action:
    """The digest that is live in one app, deployed to the other with that one's own configuration. Nothing is built."""
    if (body.to is None) == (body.from_app is None):
        raise ValidationFailed("Name the other app: either `to`, which gets the image, or `from`, which has it.")
    name = body.to or body.from_app or ""
    other = await context.database.reading(lambda session: find_seen_app(session, actor, name))
    source, target = (app, other) if body.to is not None else (other, app)
    promotion = Promotion(source.id, target.id, body.deployment, body.force_reason, body.title)
    return await deployment_answer(context, await promote(context, promotion, actor), wait, response)


@router.post("/start", status_code=202)
async def start(
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    wait: WaitDep,
    response: Response,
    service: ServiceDep = None,
) -> Action:
    """Deploys the release that was live before the app was stopped. With `service`: one that was stopped by itself."""
    if service is not None:
        return await _service_answer(
            context, app, await stop_service(context, app.id, service, actor, stopped=False), wait, response
        )
    return await done_answer(context, app, await start_app(context, app.id, actor), wait, response)


@router.post("/stop", status_code=202)
async def stop(
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    wait: WaitDep,
    response: Response,
    service: ServiceDep = None,
) -> Action:
    """Instances finish their requests and go; the app stays defined. With `service`: those of one, in later releases too."""
    if service is not None:
        return await _service_answer(
            context, app, await stop_service(context, app.id, service, actor, stopped=True), wait, response
        )
    return await done_answer(context, app, await stop_app(context, app.id, actor), wait, response)


@router.post("/restart", status_code=202)
async def restart(
    app: AppDep,
    context: ContextDep,
    actor: ActorDep,
    wait: WaitDep,
    response: Response,
    service: Annotated[list[str] | None, Query(description="Only these; all others run on")] = None,
) -> Action:
    """Rolling: new instances are ready before the old ones go."""
    return await done_answer(context, app, await restart_app(context, app.id, actor, service or ()), wait, response)


async def _service_answer(
    context: Context, app: App, changed: ServicesChanged, wait: float, response: Response
) -> Action:
    row = changed.deployment
    done = ActionDone(changed.message, row.id if row else None, changed=row is not None)
    return await done_answer(context, app, done, wait, response)
