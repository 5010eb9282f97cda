"""Volumes as they are answered."""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session, col, select

from slipyard.domain.backup import BackupStatus
from slipyard.domain.schemas.volume_shapes import AttachmentView, VolumeView
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import App, Backup, Release, Volume

_SAME = {"id", "app_id", "name", "size_bytes", "size_enforced", "exclusive", "used_bytes", "measured_at"}


def volume_view(session: Session, app: App, row: Volume) -> VolumeView:
    return VolumeView(
        **row.model_dump(include={*_SAME, "next_backup_at", "created_at"}),
        app=app.slug,
        attachments=[AttachmentView(**each.model_dump()) for each in row.attachments],
        rules=row.rules,
        live=list(_live(session, app, row)),
        left_behind=app.deleted_at is not None,
        last_backup_at=_last_backup(session, row),
    )


def _live(session: Session, app: App, row: Volume) -> Iterator[AttachmentView]:
    active = active_deployment(session, app.id)
    release = session.get(Release, active.release_id) if active is not None and active.release_id else None
    for service in release.config.services if release is not None else ():
        for mount in service.mounts:
            if mount.volume == row.name:
                yield AttachmentView(service=service.name, path=mount.path, read_only=mount.read_only)


def _last_backup(session: Session, row: Volume) -> datetime | None:
    query = select(Backup.ended_at).where(Backup.volume_id == row.id, col(Backup.status) == BackupStatus.SUCCEEDED)
    return session.exec(query.order_by(col(Backup.number).desc()).limit(1)).first()
