"""Where output is forwarded to, and whose."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select as columns  # SQLModel's own takes four at the most
from sqlmodel import Session, col, select

from slipyard.domain.errors import NotFound
from slipyard.store.queries.instances import OCCUPIED
from slipyard.store.tables import App, Instance, LogDrain


@dataclass(frozen=True)
class Writer:
    """An instance whose output may be read; `app` is the slug."""

    instance_id: str
    organization_id: str
    app_id: str
    app: str
    service: str


def enabled_drains(session: Session) -> Sequence[LogDrain]:
    return session.exec(select(LogDrain).where(col(LogDrain.enabled).is_(True)).order_by(col(LogDrain.id))).all()


def writers(session: Session) -> list[Writer]:
    query = columns(col(Instance.id), col(App.organization_id), col(App.id), col(App.slug), col(Instance.service)).join(
        App, col(App.id) == col(Instance.app_id)
    )
    there = col(Instance.status).in_(OCCUPIED) & col(Instance.container_id).is_not(None)
    return [Writer(*row) for row in session.execute(query.where(there))]


def list_drains(session: Session, organization_id: str, app_id: str | None = None) -> list[LogDrain]:
    """By name; with `app_id` those of that app alone."""
    query = select(LogDrain).where(LogDrain.organization_id == organization_id)
    if app_id is not None:
        query = query.where(LogDrain.app_id == app_id)
    return list(session.exec(query.order_by(col(LogDrain.name), col(LogDrain.id))))


def find_drain(session: Session, organization_id: str, id_or_name: str) -> LogDrain:
    """`NotFound` also where several have this name, or it is somebody else's."""
    rows = list_drains(session, organization_id)
    found = [row for row in rows if row.id == id_or_name] or [row for row in rows if row.name == id_or_name]
    if len(found) != 1:
        raise NotFound(f"There is no one log drain {id_or_name!r}; GET /v1/log-drains lists them by id and name.")
    return found[0]
