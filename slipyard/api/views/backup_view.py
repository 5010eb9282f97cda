"""Backups and their places, as they are answered. The secret of a bucket is in none of them."""

from sqlmodel import Session

from slipyard.domain.schemas.backup_shapes import BackupView, RestoredView, TargetView
from slipyard.pipeline.volumes.restore_volume import Restored
from slipyard.store.tables import App, Backup, BackupTarget, Volume

_SAME = {
    *(
        "id",
        "app_id",
        "volume_id",
        "number",
        "cause",
        "actor",
        "status",
        "reason",
        "place",
        "stored_bytes",
        "content_bytes",
    ),
    *("entries", "digest", "verified_at", "created_at", "started_at", "ended_at"),
}


def backup_view(session: Session, row: Backup) -> BackupView:
    return BackupView(
        **row.model_dump(include=_SAME),
        volume=session.get_one(Volume, row.volume_id).name,
        target=row.rules.target,
        encrypted=row.rules.encrypt,
    )


def target_view(row: BackupTarget) -> TargetView:
    where = (
        row.directory or "" if row.bucket is None else f"{row.bucket.endpoint}/{row.bucket.bucket}/{row.bucket.prefix}"
    )
    return TargetView(id=row.id, name=row.name, kind=row.kind, place=where, created_at=row.created_at)


def restored_view(app: App, done: Restored) -> RestoredView:
    restarts = f" {app.slug} restarts with it." if done.deployment_id else ""
    return RestoredView(
        message=f"{done.volume.name} of {app.slug} holds {done.tally.entries} entries now, as they were.{restarts}",
        app_id=app.id,
        volume=done.volume.name,
        entries=done.tally.entries,
        content_bytes=done.tally.content_bytes,
        deployment_id=done.deployment_id,
    )
