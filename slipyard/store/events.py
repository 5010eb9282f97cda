"""The event of an app, numbered in the same commit as the change it tells of."""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key
from sqlmodel import Session, col, select

from slipyard.domain.ids import new_id
from slipyard.store.tables import App, Event

_EVENTS = Event.metadata.tables["event"]  # a row that nobody reads again here needs no object: half the time


def lock_app(session: Session, app_id: str) -> None:
    """Whoever changes rows of an app locks the app first, so that no two of them wait for each other.

    SQLite has one writer at a time anyway: there it would be a query for nothing.
    """
    if session.get_bind().dialect.name != "sqlite":
        session.exec(select(App.id).where(App.id == app_id).with_for_update(key_share=True))


def record(session: Session, app_id: str, kind: str, message: str, *, now: datetime, **data: Any) -> None:
    """Takes the app's next sequence number under the row's lock, so numbers have no gaps and no doubles."""
    counted = update(App).where(col(App.id) == app_id).values(last_event=App.last_event + 1)
    taken = session.execute(counted.returning(col(App.last_event)), execution_options={"synchronize_session": False})
    sequence = taken.scalar_one()
    known = session.identity_map.get(identity_key(App, app_id))
    if known is not None:
        set_committed_value(known, "last_event", sequence)
    told = {"kind": kind, "message": message, "data": data, "created_at": now}
    session.execute(_EVENTS.insert().values(id=new_id("evt"), app_id=app_id, sequence=sequence, **told))


def events_after(
    session: Session, app_id: str, sequence: int, limit: int = 100, *, kind: str | None = None, newest: bool = False
) -> list[Event]:
    """Oldest first. `kind` is a whole one or its beginning up to a dot; `newest` gives the last `limit` of them."""
    query = select(Event).where(Event.app_id == app_id, col(Event.sequence) > sequence)
    if kind is not None:
        query = query.where(or_(col(Event.kind) == kind, col(Event.kind).startswith(f"{kind}.", autoescape=True)))
    order = col(Event.sequence).desc() if newest else col(Event.sequence)
    rows = list(session.exec(query.order_by(order).limit(limit)))
    return rows[::-1] if newest else rows
