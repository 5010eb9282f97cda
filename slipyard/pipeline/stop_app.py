"""Stop, start, restart. Starting is a deployment of the release that was live: one way in which instances come to be."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.deployer.router import Route, RouteState
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, NotFound
from slipyard.domain.lifecycle import ASIDE, InstanceStatus
from slipyard.pipeline.cancel import cancel_deployment_in
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.healing.coming import COMING
from slipyard.pipeline.rollout.retire import retire
from slipyard.pipeline.rollout.switch_route import apply_route, write_intent
from slipyard.pipeline.scale.wake_up import wake_up
from slipyard.pipeline.wake import wake_deployment
from slipyard.pipeline.write_down import Asked, write_deployment
from slipyard.store.events import record
from slipyard.store.queries.deployments import UNFINISHED_DEPLOYMENTS, active_deployment
from slipyard.store.tables import App, Deployment, Instance, Release


@dataclass(frozen=True)
class ActionDone:
    """`changed` is false where it was so already."""

    message: str
    deployment_id: str | None = None
    changed: bool = True


async def stop_app(context: Context, app_id: str, actor: Actor) -> ActionDone:
    """Traffic gets a page that says so; instances finish their requests and go. What is under way is cancelled."""

    def stop(session: Session) -> tuple[ActionDone, Route | None]:
        app = changeable_app(session, app_id)
        if app.stopped:
            return ActionDone(f"{app.slug} is stopped already.", changed=False), None
        app.stopped = True
        session.add(app)
        end_everything(session, context, app, f"{actor.name} stopped the app")
        route = write_intent(session, app_id, RouteState.STOPPED, (), None)
        return ActionDone(f"{app.slug} is stopping."), route

    done, route = await context.database.writing(stop)
    if route is not None:
        await apply_route(context, route)
    return done


async def start_app(context: Context, app_id: str, actor: Actor) -> ActionDone:
    """Wakes what sleeps, and deploys what was stopped."""
    if await wake_up(context, app_id, f"{actor.name} asked for a start"):
        return ActionDone("The app is awake.")
    return await _deploy_again(context, app_id, actor, "start")


async def restart_app(context: Context, app_id: str, actor: Actor, services: Sequence[str] = ()) -> ActionDone:
    """Rolling: new instances of the same release are ready before the old ones go. With `services` only of those."""
    return await _deploy_again(context, app_id, actor, "restart", services)


def end_everything(session: Session, context: Context, app: App, why: str) -> None:
    under_way = select(Deployment).where(
        Deployment.app_id == app.id, col(Deployment.status).in_(UNFINISHED_DEPLOYMENTS)
    )
    for row in session.exec(under_way).all():
        cancel_deployment_in(session, context, row, f"{why}.")
    there = (InstanceStatus.SERVING, *ASIDE)
    serving = select(Instance).where(Instance.app_id == app.id, col(Instance.status).in_(there))
    for instance in [*session.exec(serving).all(), *_coming(session, app.id)]:
        retire(session, context, instance, why)


def _coming(session: Session, app_id: str) -> list[Instance]:
    """Those that the healer brings up; of a deployment under way its worker ends them."""
    active = active_deployment(session, app_id)
    if active is None:
        return []
    query = select(Instance).where(Instance.deployment_id == active.id, col(Instance.status).in_(COMING))
    return list(session.exec(query).all())


async def _deploy_again(
    context: Context, app_id: str, actor: Actor, trigger: str, services: Sequence[str] = ()
) -> ActionDone:
    def accept(session: Session) -> Deployment | ActionDone:
        app = changeable_app(session, app_id)
        active = active_deployment(session, app_id)
        if active is None or active.release_id is None:
            raise Conflict(f"{app.slug} was never live, so there is nothing to {trigger}. Deploy it first.")
        if trigger == "start" and not app.stopped:
            return ActionDone(f"{app.slug} is started already.", changed=False)
        _check_services(session, app, active.release_id, services)
        what = f" of {', '.join(services)}" if services else ""
        record(session, app_id, f"app.{trigger}", f"{actor.name} asked for a {trigger}{what}.", now=context.clock.now())
        asked = Asked(
            trigger,
            actor.name,
            title=f"Restart{what}" if services else "",
            commit=active.commit,
            release_id=active.release_id,
            principal=actor.principal,
            services=services or None,
        )
        return write_deployment(session, context, app, asked)

    done = await context.database.writing(accept)
    if isinstance(done, ActionDone):
        return done
    await wake_deployment(context, done)
    return ActionDone(f"Deployment {done.number} is on its way.", done.id)


def _check_services(session: Session, app: App, release_id: str, services: Sequence[str]) -> None:
    """All of a stopped app starts at once: no instance runs that could go on."""
    there = [each.name for each in session.get_one(Release, release_id).config.services]
    if missing := [name for name in services if name not in there]:
        raise NotFound(f"What is live of {app.slug} has no service {missing[0]!r}: there is {', '.join(there)}.")
    if services and app.stopped:
        raise Conflict(f"{app.slug} is stopped as a whole. Start it with `slipyard start {app.slug}`.")
