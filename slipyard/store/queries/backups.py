"""Backups of volumes, and the places for them."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from slipyard.domain.actor import Actor
from slipyard.domain.backup import HERE, OPEN_BACKUP, BackupStatus
from slipyard.domain.errors import NotFound
from slipyard.store.tables import App, Backup, BackupTarget, Volume


def targets_of(session: Session, organization_id: str) -> list[BackupTarget]:
    """By name."""
    query = select(BackupTarget).where(BackupTarget.organization_id == organization_id)
    return list(session.exec(query.order_by(col(BackupTarget.name))).all())


def find_target(session: Session, organization_id: str, id_or_name: str) -> BackupTarget | None:
    """None for the one that is always there."""
    if id_or_name == HERE:
        return None
    for row in targets_of(session, organization_id):
        if id_or_name in {row.id, row.name}:
            return row
    raise NotFound(
        f"There is no place for backups {id_or_name!r}. `slipyard backup-targets list` shows which there are."
    )


def backups_of(session: Session, volume_id: str) -> list[Backup]:
    """The newest first."""
    query = select(Backup).where(Backup.volume_id == volume_id)
    return list(session.exec(query.order_by(col(Backup.number).desc())).all())


def find_backup(session: Session, actor: Actor, backup_id: str) -> Backup:
    """Of any volume that the actor sees, also of one that is gone."""
    row = session.get(Backup, backup_id)
    if row is None or not actor.sees(row.app_id) or _organization_of(session, row) != actor.organization_id:
        raise NotFound(
            f"There is no backup {backup_id!r}. `slipyard volumes backups APP VOLUME` shows which there are."
        )
    return row


def find_numbered(session: Session, actor: Actor, volume: Volume, id_or_number: str) -> Backup:
    """Of this volume by number; `latest` is the last that succeeded. By id of any that the actor sees."""
    for row in backups_of(session, volume.id):
        is_latest = id_or_number == "latest" and row.status is BackupStatus.SUCCEEDED and row.place is not None
        if is_latest or id_or_number in {row.id, str(row.number)}:
            return row
    return find_backup(session, actor, id_or_number)


def open_backups(session: Session) -> Sequence[Backup]:
    """The oldest first."""
    query = select(Backup).where(col(Backup.status).in_(OPEN_BACKUP))
    return session.exec(query.order_by(col(Backup.created_at), col(Backup.id))).all()


def due_volumes(session: Session, now: datetime) -> Sequence[Volume]:
    query = select(Volume).where(col(Volume.next_backup_at).is_not(None), col(Volume.next_backup_at) <= now)
    living = query.join(App, col(App.id) == col(Volume.app_id)).where(col(App.deleting_at).is_(None))
    return session.exec(living.where(col(Volume.removed_at).is_(None))).all()


def has_open_backup(session: Session, volume_id: str) -> bool:
    query = select(Backup.id).where(Backup.volume_id == volume_id, col(Backup.status).in_(OPEN_BACKUP))
    return session.exec(query.limit(1)).first() is not None


def _organization_of(session: Session, row: Backup) -> str:
    return session.get_one(Volume, row.volume_id).organization_id
