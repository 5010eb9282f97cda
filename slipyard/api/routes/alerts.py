"""What people want to be warned of. Notifiers tell them: their events `alert` and `resolved`."""

from fastapi import APIRouter
from sqlmodel import Session

from slipyard.api.access.dependencies import AppDep, ContextDep
from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.domain.schemas.alert_shapes import AlertList, AlertView, ChangeAlert, CreateAlert, SilenceAlert
from slipyard.domain.schemas.outgoing import Done
from slipyard.pipeline.observing.alerts import NewAlert, change_alert, make_alert, remove_alert, silence_alert
from slipyard.store.queries.alerts import alerts_of, find_alert
from slipyard.store.tables import Alert

router = APIRouter(prefix="/apps/{app}", tags=["notifications"], route_class=GuardedRoute)
READ, WRITE = requires("apps:read"), requires("apps:write")


@router.get("/alerts", dependencies=[READ])
async def alerts(app: AppDep, context: ContextDep) -> AlertList:
    """In the order of making, with where each stands."""

    def query(session: Session) -> list[Alert]:
        return alerts_of(session, app.id)

    rows = await context.database.reading(query)
    return AlertList(alerts=[_view(row) for row in rows], total=len(rows))


@router.post("/alerts", status_code=201, dependencies=[WRITE])
async def create(app: AppDep, body: CreateAlert, context: ContextDep) -> AlertView:
    """Looked at every 15 s from now on."""
    return _view(await make_alert(context, app.id, NewAlert(**body.model_dump())))


@router.get("/alerts/{alert}", dependencies=[READ])
async def read(app: AppDep, alert: str, context: ContextDep) -> AlertView:
    """One alert: what it watches, and whether it fires."""
    return _view(await context.database.reading(lambda session: find_alert(session, app.id, alert)))


@router.patch("/alerts/{alert}", dependencies=[WRITE])
async def change(app: AppDep, alert: str, body: ChangeAlert, context: ContextDep) -> AlertView:
    """Changes what is given: its bounds, for how long, whether it is on."""
    return _view(await change_alert(context, app.id, alert, body.model_dump(exclude_none=True)))


@router.post("/alerts/{alert}/silence", dependencies=[WRITE])
async def silence(app: AppDep, alert: str, body: SilenceAlert, context: ContextDep) -> AlertView:
    """Nobody is told meanwhile. What still fires afterwards is told then."""
    return _view(await silence_alert(context, app.id, alert, body.seconds))


@router.delete("/alerts/{alert}", dependencies=[WRITE])
async def delete(app: AppDep, alert: str, context: ContextDep) -> Done:
    """Takes it away; nobody is told of it any more."""
    row = await remove_alert(context, app.id, alert)
    return Done(message=f"The alert on {row.metric} is removed.")


def _view(row: Alert) -> AlertView:
    return AlertView(**row.model_dump(include=set(AlertView.model_fields)))
