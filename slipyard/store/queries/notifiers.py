"""Who wants to be told of what."""

from sqlmodel import Session, col, or_, select

from slipyard.domain.errors import NotFound
from slipyard.store.tables import App, Notifier


def notifiers_for(session: Session, app: App, event: str) -> list[Notifier]:
    """Those that are on, of the app or of its whole organization, and asked for this event."""
    query = select(Notifier).where(
        Notifier.organization_id == app.organization_id,
        or_(col(Notifier.app_id).is_(None), col(Notifier.app_id) == app.id),
        col(Notifier.enabled).is_(True),
    )
    return [row for row in session.exec(query.order_by(col(Notifier.id))) if event in row.events]


def list_notifiers(session: Session, organization_id: str, app_id: str | None = None) -> list[Notifier]:
    """By name; with `app_id` those of that app alone."""
    query = select(Notifier).where(Notifier.organization_id == organization_id)
    if app_id is not None:
        query = query.where(Notifier.app_id == app_id)
    return list(session.exec(query.order_by(col(Notifier.name), col(Notifier.id))))


def find_notifier(session: Session, organization_id: str, id_or_name: str) -> Notifier:
    """`NotFound` also where several have this name, or it is somebody else's."""
    rows = list_notifiers(session, organization_id)
    found = [row for row in rows if row.id == id_or_name] or [row for row in rows if row.name == id_or_name]
    if len(found) != 1:
        raise NotFound(f"There is no one notifier {id_or_name!r}; GET /v1/notifiers lists them by id and name.")
    return found[0]
