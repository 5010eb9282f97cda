"""A page instead of the app, by the one route switch. What is deployed meanwhile waits behind it."""

from sqlmodel import Session

from slipyard.deployer.router import Route, RouteState
from slipyard.domain.actor import Actor
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.rollout.switch_route import apply_route, write_intent
from slipyard.pipeline.stop_app import ActionDone
from slipyard.store.events import record
from slipyard.store.tables import App, RouteRow


async def maintain(context: Context, app_id: str, message: str | None, actor: Actor) -> ActionDone:
    """`message` is what the page says beside that it is maintenance; None takes the page away."""

    def change(session: Session) -> tuple[ActionDone, Route | None]:
        app = changeable_app(session, app_id)
        if app.maintenance == message:
            return ActionDone(_sentence(app), changed=False), None
        app.maintenance = message
        session.add(app)
        session.flush()
        word = "off" if message is None else f"on{f': {message}' if message else ''}"
        record(session, app_id, "app.maintenance", f"{actor.name} turned maintenance {word}.", now=context.clock.now())
        return ActionDone(_sentence(app)), _again(session, app_id)

    done, route = await context.database.writing(change)
    if route is not None:
        await apply_route(context, route)
    return done


def _again(session: Session, app_id: str) -> Route | None:
    """The same intent as the next generation. An app without a route yet gets the page with its first one."""
    row = session.get(RouteRow, app_id, with_for_update=True)
    if row is None:
        return None
    return write_intent(session, app_id, RouteState(row.state), tuple(row.addresses), row.deployment_id)


def _sentence(app: App) -> str:
    if app.maintenance is None:
        return f"{app.slug} is not in maintenance: visitors reach the newest release."
    return f"{app.slug} is in maintenance: visitors get a 503 page. Deployments go on behind it."
