"""An app goes to sleep: from one rename on its requests lead to the waker; `rest_sleepers` does the rest."""

from sqlmodel import Session, col, select

from slipyard.deployer.router import Route, RouteState
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.healing.coming import COMING
from slipyard.pipeline.rollout.switch_route import apply_route, write_intent
from slipyard.pipeline.stop_app import ActionDone
from slipyard.store.events import record
from slipyard.store.queries.deployments import AT_WORK, active_deployment
from slipyard.store.tables import App, Deployment, Instance, RouteRow


async def sleep_app(context: Context, app_id: str, actor: Actor) -> ActionDone:
    """By hand, whatever the app's own rule says. `Conflict` where it cannot sleep now."""

    def lie_down(session: Session) -> tuple[App, Route | None]:
        app = changeable_app(session, app_id)
        if app.asleep_since is not None:
            return app, None
        if (hindrance := _hindrance(session, app)) is not None:
            raise Conflict(f"{app.slug} cannot sleep now: {hindrance}")
        return app, _lie_down(session, context, app, f"{actor.name} asked for it")

    app, route = await context.database.writing(lie_down)
    if route is None:
        return ActionDone(f"{app.slug} sleeps already.", changed=False)
    await apply_route(context, route)
    return ActionDone(f"{app.slug} falls asleep. The first request wakes it, and so does a start.")


async def fall_asleep(context: Context, app_id: str, why: str) -> bool:
    """False where something keeps it awake."""

    def lie_down(session: Session) -> Route | None:
        app = session.get_one(App, app_id, with_for_update=True)
        awake = app.asleep_since is None and app.config.scale_to_zero and _hindrance(session, app) is None
        return _lie_down(session, context, app, why) if awake else None

    route = await context.database.writing(lie_down)
    if route is not None:
        await apply_route(context, route)
    return route is not None


def _lie_down(session: Session, context: Context, app: App, why: str) -> Route:
    now = context.clock.now()
    active = active_deployment(session, app.id)
    route = write_intent(session, app.id, RouteState.ASLEEP, (), active.id if active else None)
    app.asleep_since, app.rested_at = now, None
    session.add(app)
    record(session, app.id, "app.sleeping", f"It sleeps until somebody asks for it: {why}.", now=now)
    return route


def _hindrance(session: Session, app: App) -> str | None:
    """A sentence, None where it can sleep."""
    active, route = active_deployment(session, app.id), session.get(RouteRow, app.id)
    if active is None or app.stopped:
        return "it does not run. Deploy or start it first."
    if active.bake_until is not None:
        return "its release is still watched after going live. Try again once it has proven itself."
    if route is None or route.state != RouteState.AWAKE:
        return "none of its services gets requests."
    at_work = select(Deployment.id).where(Deployment.app_id == app.id, col(Deployment.status).in_(AT_WORK))
    coming = select(Instance.id).where(Instance.deployment_id == active.id, col(Instance.status).in_(COMING))
    if any(session.exec(each.limit(1)).first() is not None for each in (at_work, coming)):
        return "something of it is being started. Try again once that is over."
    return None
