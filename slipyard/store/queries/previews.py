"""Previews: the open ones of an app, and the history of those that were."""

from collections.abc import Iterable

from sqlalchemy import func
from sqlmodel import Session, col, select

from slipyard.domain.errors import NotFound
from slipyard.domain.preview import FIRST_BRANCH_NUMBER
from slipyard.store.queries.paging import page
from slipyard.store.tables import App, Preview


def open_preview_of(session: Session, app_id: str, number: int) -> Preview | None:
    query = select(Preview).where(Preview.app_id == app_id, Preview.number == number)
    return session.exec(query.where(col(Preview.closed_at).is_(None))).first()


def last_preview_of(session: Session, app_id: str, number: int) -> Preview | None:
    """The open one, or else the one that was closed last."""
    query = select(Preview).where(Preview.app_id == app_id, Preview.number == number)
    return session.exec(query.order_by(col(Preview.id).desc())).first()


def find_preview(session: Session, app_id: str, number: int) -> Preview:
    found = last_preview_of(session, app_id, number)
    if found is None:
        raise NotFound(f"This app has no preview {number}; `slipyard previews list` shows what there is.")
    return found


def list_previews(session: Session, app_id: str, limit: int, offset: int, *, closed: bool) -> tuple[list[Preview], int]:
    """Newest first; `closed`: those that are gone too."""
    query = select(Preview).where(Preview.app_id == app_id).order_by(col(Preview.id).desc())
    return page(session, query if closed else query.where(col(Preview.closed_at).is_(None)), limit, offset)


def open_previews(session: Session, app_id: str | None = None) -> list[Preview]:
    """In the order of making; of one app, or of all of them."""
    query = select(Preview).where(col(Preview.closed_at).is_(None)).order_by(col(Preview.id))
    return list(session.exec(query if app_id is None else query.where(Preview.app_id == app_id)))


def shown_previews(session: Session, app_id: str) -> int:
    """How many have an app: what the cap counts."""
    query = select(func.count()).select_from(Preview).where(Preview.app_id == app_id)
    return session.exec(query.where(col(Preview.closed_at).is_(None), col(Preview.preview_app_id).is_not(None))).one()


def preview_of_app(session: Session, preview_app_id: str) -> Preview | None:
    """The open preview that an app shows."""
    query = select(Preview).where(Preview.preview_app_id == preview_app_id, col(Preview.closed_at).is_(None))
    return session.exec(query).first()


def branch_preview_of(session: Session, app_id: str, branch: str) -> Preview | None:
    """The open preview of a branch that was asked for without a request."""
    query = select(Preview).where(Preview.app_id == app_id, Preview.head_ref == branch)
    return session.exec(
        query.where(col(Preview.closed_at).is_(None), col(Preview.number) >= FIRST_BRANCH_NUMBER)
    ).first()


def next_branch_number(session: Session, app_id: str) -> int:
    query = select(func.max(Preview.number)).where(Preview.app_id == app_id, col(Preview.number) >= FIRST_BRANCH_NUMBER)
    return (session.exec(query).one() or FIRST_BRANCH_NUMBER - 1) + 1


def preview_apps(session: Session, rows: Iterable[Preview]) -> dict[str, App]:
    """By the id of the app."""
    ids = {row.preview_app_id for row in rows if row.preview_app_id}
    return {app.id: app for app in session.exec(select(App).where(col(App.id).in_(ids)))}
