"""The files of a route that somebody removed or changed are written again, as the next generation, and it is said."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.deployer.route_files import canonical
from slipyard.deployer.router import Route, RouteState
from slipyard.pipeline.context import Context
from slipyard.pipeline.rollout.switch_route import apply_route, shown_route, write_intent
from slipyard.store.events import record
from slipyard.store.queries.deployments import AT_WORK
from slipyard.store.tables import App, Deployment, RouteRow

_AT_ONCE = 100  # routes of one pass, each a third of a millisecond: a thousand are looked at within a minute


@dataclass
class RouteWatch:
    """The app whose route was looked at last."""

    after: str = ""


async def check_routes(context: Context, watch: RouteWatch) -> None:
    routes = await context.database.reading(lambda session: _next(session, watch.after))
    watch.after = routes[-1].app_id if len(routes) == _AT_ONCE else ""
    for route in routes:
        found = await context.router.current(route.app_id)
        if found != canonical(route):
            await _write_again(context, route, found)


async def _write_again(context: Context, wanted: Route, found: Route | None) -> None:
    route = await context.database.writing(lambda session: _intend_again(session, context, wanted, found))
    if route is not None:
        await apply_route(context, route)


def _intend_again(session: Session, context: Context, wanted: Route, found: Route | None) -> Route | None:
    """None where the row has moved on meanwhile: then it was no hand that changed the files."""
    app = session.get_one(App, wanted.app_id, with_for_update=True)
    row = session.get(RouteRow, wanted.app_id)
    if row is None or row.generation != wanted.generation or not row.applied or app.deleting_at is not None:
        return None
    if found is not None:
        app.last_route = max(app.last_route, found.generation)
        session.add(app)
    message = (
        f"The files of its route were changed from outside: {_difference(wanted, found)}. They were written again."
    )
    record(session, app.id, "route.drift", message, now=context.clock.now())
    return write_intent(session, app.id, RouteState(row.state), tuple(row.addresses), row.deployment_id)


def _difference(wanted: Route, found: Route | None) -> str:
    if found is None:
        return "they were missing or damaged"
    if found.generation != wanted.generation:
        return f"generation is {found.generation} instead of {wanted.generation}"
    if found.state != wanted.state:
        return f"state is {found.state} instead of {wanted.state}"
    return f"addresses are {', '.join(found.addresses)} instead of {', '.join(wanted.addresses)}"


def _next(session: Session, after: str) -> list[Route]:
    """Of what is not on its way: a deployment at work, or an intent that the files do not show yet."""
    at_work = select(Deployment.app_id).where(col(Deployment.status).in_(AT_WORK))
    query = (
        select(App, RouteRow)
        .join(App, col(App.id) == col(RouteRow.app_id))
        .where(col(RouteRow.applied).is_(True), col(App.deleting_at).is_(None), col(RouteRow.app_id) > after)
        .where(col(RouteRow.app_id).not_in(at_work))
    )
    rows = session.exec(query.order_by(col(RouteRow.app_id)).limit(_AT_ONCE)).all()
    return [shown_route(app, row) for app, row in rows]
