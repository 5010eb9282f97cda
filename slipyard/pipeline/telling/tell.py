"""What happened becomes messages: each event of an app once, in order, in the transaction that says how far we are."""

from sqlmodel import Session

from slipyard.pipeline.context import Context
from slipyard.pipeline.telling.tell_code_host import code_host_notes
from slipyard.pipeline.telling.tell_notifiers import notifier_notes
from slipyard.store.events import events_after
from slipyard.store.queries.messages import untold_apps
from slipyard.store.tables import App

_EVENTS_AT_ONCE = 200


async def tell(context: Context) -> bool:
    """One pass; True where more is left. Nothing is sent here, so that no deployment ever waits for somebody else."""
    untold = await context.database.reading(untold_apps)
    left = [await _tell(context, app_id) for app_id in untold]
    return any(left)


async def _tell(context: Context, app_id: str) -> bool:
    return await context.database.writing(lambda session: _write(session, context, app_id))


def _write(session: Session, context: Context, app_id: str) -> bool:
    app = session.get_one(App, app_id, with_for_update=True)
    events = events_after(session, app_id, app.last_told, _EVENTS_AT_ONCE)
    for event in events:
        code_host_notes(session, context, app, event)
        notifier_notes(session, context, app, event)
    if events:
        app.last_told = events[-1].sequence
        session.add(app)
    return len(events) == _EVENTS_AT_ONCE
