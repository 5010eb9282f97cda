"""Volumes as people name them, and as others look for them."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from slipyard.domain.actor import Actor
from slipyard.domain.errors import NotFound
from slipyard.store.tables import App, Volume


def volumes_of(session: Session, app_id: str) -> list[Volume]:
    """By name."""
    query = select(Volume).where(Volume.app_id == app_id, col(Volume.removed_at).is_(None))
    return list(session.exec(query.order_by(col(Volume.name))).all())


def find_volume(session: Session, app: App, id_or_name: str) -> Volume:
    for row in volumes_of(session, app.id):
        if id_or_name in {row.id, row.name}:
            return row
    raise NotFound(
        f"{app.slug} has no volume {id_or_name!r}. `slipyard volumes list {app.slug}` shows what it has, and"
        " `slipyard volumes list --left-behind` those of deleted apps."
    )


def left_behind(session: Session, organization_id: str) -> list[tuple[Volume, App]]:
    """Of deleted apps, the newest first: another app may have them."""
    query = select(Volume, App).join(App, col(App.id) == col(Volume.app_id))
    there = query.where(Volume.organization_id == organization_id, col(Volume.removed_at).is_(None))
    return [
        (row, app)
        for row, app in session.exec(there.where(col(App.deleted_at).is_not(None)).order_by(col(Volume.id).desc()))
    ]


def find_left_behind(session: Session, actor: Actor, volume_id: str) -> Volume:
    """Whoever is bound to one app sees nothing of others."""
    for row, app in left_behind(session, actor.organization_id):
        if row.id == volume_id and actor.sees(app.id):
            return row
    raise NotFound(
        f"No deleted app has left a volume {volume_id!r} behind. `slipyard volumes list --left-behind` shows their ids."
    )


def present_volumes(session: Session) -> Sequence[Volume]:
    return session.exec(select(Volume).where(col(Volume.removed_at).is_(None))).all()


def has_exclusive_volume(session: Session, app_id: str) -> bool:
    query = select(Volume.id).where(Volume.app_id == app_id, col(Volume.removed_at).is_(None))
    return session.exec(query.where(col(Volume.exclusive).is_(True)).limit(1)).first() is not None


def volumes_by_app(session: Session, app_ids: Sequence[str]) -> dict[str, list[Volume]]:
    """By name, of each app that has any."""
    query = select(Volume).where(col(Volume.app_id).in_(app_ids), col(Volume.removed_at).is_(None))
    found: dict[str, list[Volume]] = {}
    for row in session.exec(query.order_by(col(Volume.name))).all():
        found.setdefault(row.app_id, []).append(row)
    return found
