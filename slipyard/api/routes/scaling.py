"""How many instances run: sleep, and autoscaling between two bounds."""

from fastapi import APIRouter, Response
from sqlmodel import Session

from slipyard.api.access.dependencies import ActorDep, AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.routes.action_answer import done_answer
from slipyard.domain.schemas.outgoing import Action
from slipyard.domain.schemas.scale_shapes import Autoscale, AutoscaleView
from slipyard.pipeline.scale.fall_asleep import sleep_app
from slipyard.pipeline.scale.set_rules import ScaleRules, set_rules
from slipyard.store.events import events_after
from slipyard.store.queries.app_facts import app_facts
from slipyard.store.tables import App

router = APIRouter(prefix="/apps/{app}", tags=["build and deploy"], route_class=GuardedRoute)


@router.post(
    "/sleep",
    status_code=202,
    dependencies=[requires("apps:deploy")],
    responses={200: {"model": Action, "description": "It sleeps already"}},
)
async def sleep(app: AppDep, context: ContextDep, actor: ActorDep, response: Response) -> Action:
    """Its requests are finished, then its containers rest. The first request wakes it and waits for it; so does a start.
    409 where something of it is being started."""
    return await done_answer(context, app, await sleep_app(context, app.id, actor), 0, response)


@router.get("/autoscale", dependencies=[requires("apps:read")])
async def show(app: AppDep, context: ContextDep) -> AutoscaleView:
    """Rules, bounds, how many instances are to run now, and the last move with its reason."""
    return await context.database.reading(lambda session: _view(session, app))


@router.put("/autoscale", dependencies=[requires("apps:write")])
async def put(body: Autoscale, app: AppDep, context: ContextDep, actor: ActorDep) -> AutoscaleView:
    """Counts at once. With several targets the one that needs most instances decides."""
    told = ScaleRules(body.rules, body.min_instances, body.max_instances)
    changed = await set_rules(context, app, told, actor)
    return await context.database.reading(lambda session: _view(session, changed))


@router.delete("/autoscale", status_code=204, dependencies=[requires("apps:write")])
async def turn_off(app: AppDep, context: ContextDep, actor: ActorDep) -> None:
    """As many instances run as the release says."""
    await set_rules(context, app, ScaleRules(None), actor)


def _view(session: Session, app: App) -> AutoscaleView:
    moves = events_after(session, app.id, 0, 1, kind="app.scaled", newest=True)
    return AutoscaleView(
        app_id=app.id,
        enabled=app.config.autoscale is not None,
        rules=app.config.autoscale,
        min_instances=app.config.min_instances,
        max_instances=app.config.max_instances,
        instances=app_facts(session, [app.id])[app.id].wanted,
        last_move=moves[0].message if moves else None,
    )
