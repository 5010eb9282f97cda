"""The one way in which routes change: the intent is committed, then the files follow, then the row says that they agree."""

from collections.abc import Sequence

from sqlmodel import Session

from slipyard.deployer.router import Route, RouteState
from slipyard.domain.errors import Conflict
from slipyard.pipeline.context import Context
from slipyard.pipeline.hold_claim import raise_if_cancelled
from slipyard.store import claims
from slipyard.store.claims import Claim
from slipyard.store.tables import App, RouteRow


async def switch_to(
    context: Context, claim: Claim, app_id: str, addresses: Sequence[str], *, none: RouteState = RouteState.REPLACING
) -> int:
    """Traffic goes to these addresses from here on; `none` is the state where there are none. Returns the generation;
    the row is confirmed with what follows from the switch."""
    state = RouteState.AWAKE if addresses else none
    route = await context.database.writing(lambda session: intend(session, claim, app_id, state, addresses))
    return await follow_intent(context, claim, route)


def intend(session: Session, claim: Claim, app_id: str, state: RouteState, addresses: Sequence[str]) -> Route:
    """The last moment at which a cancel is heeded."""
    claims.require(session, claim)
    raise_if_cancelled(session, claim)
    return write_intent(session, app_id, state, tuple(addresses), claim.id)


async def follow_intent(context: Context, claim: Claim, route: Route) -> int:
    try:
        await context.router.switch(route)
    except Conflict:
        if not await context.database.reading(lambda session: _is_said_again(session, route, claim)):
            raise
    return route.generation


async def apply_route(context: Context, route: Route) -> None:
    """The files become what the row says. A later intent that got there first wins, and this one has nothing to do."""
    try:
        await context.router.switch(route)
    except Conflict:
        return
    await context.database.writing(lambda session: confirm_route(session, route.app_id, route.generation))


def write_intent(
    session: Session, app_id: str, state: RouteState, addresses: tuple[str, ...], deployment_id: str | None
) -> Route:
    app = session.get_one(App, app_id, with_for_update=True)
    app.last_route += 1
    if state is not RouteState.ASLEEP:
        app.asleep_since = app.rested_at = None
    row = session.get(RouteRow, app_id) or RouteRow(app_id=app_id, generation=0, state=state.value)
    row.generation, row.state, row.applied = app.last_route, state.value, False
    row.addresses, row.deployment_id = list(addresses), deployment_id
    session.add_all([app, row])
    session.flush()
    return shown_route(app, row)


def confirm_route(session: Session, app_id: str, generation: int) -> None:
    row = session.get(RouteRow, app_id)
    if row is not None and row.generation == generation:
        row.applied = True
        session.add(row)


def shown_route(app: App, row: RouteRow) -> Route:
    """What the files say: in maintenance a page stands before everything that the row means."""
    if app.maintenance is not None:
        return Route(row.app_id, row.generation, RouteState.MAINTENANCE, (), app.maintenance)
    return Route(row.app_id, row.generation, RouteState(row.state), tuple(row.addresses))


def _is_said_again(session: Session, route: Route, claim: Claim) -> bool:
    """Turning maintenance on or off repeats the intent of a deployment at work, and may reach the files first."""
    row = session.get(RouteRow, route.app_id)
    return row is not None and row.generation > route.generation and row.deployment_id == claim.id
