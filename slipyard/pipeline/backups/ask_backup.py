"""A backup is a row first: somebody asks for it, or its time has come."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.backup import BackupCause, BackupRules
from slipyard.domain.cron import next_due
from slipyard.domain.errors import Conflict
from slipyard.domain.ids import new_id
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.store.events import record
from slipyard.store.queries.backups import due_volumes, find_target, has_open_backup
from slipyard.store.queries.volumes import find_volume
from slipyard.store.tables import Backup, Volume


async def ask_backup(context: Context, app_id: str, named: str, changes: dict[str, Any], actor: Actor) -> Backup:
    """With the volume's rules, and `changes` to them for this one. `Conflict` while another one is being made."""

    def ask(session: Session) -> Backup:
        row = find_volume(session, changeable_app(session, app_id), named)
        if has_open_backup(session, row.id):
            raise Conflict(f"A backup of the volume {row.name} is being made already. Wait for it.")
        rules = BackupRules.model_validate({**row.rules.model_dump(), **changes})
        return _written(session, context, row, rules, BackupCause.ASKED, actor.name)

    return await context.database.writing(ask)


async def set_rules(context: Context, app_id: str, named: str, changes: dict[str, Any], actor: Actor) -> Volume:
    """`changes` are fields of `BackupRules`; what is not named stays. `NotFound` for a target that is not there."""

    def change(session: Session) -> Volume:
        row = find_volume(session, changeable_app(session, app_id), named)
        row.rules = BackupRules.model_validate({**row.rules.model_dump(), **changes})
        find_target(session, row.organization_id, row.rules.target)
        row.next_backup_at, row.updated_at = _next(row, context.clock.now()), context.clock.now()
        session.add(row)
        when = f"next at {row.next_backup_at:%Y-%m-%d %H:%M} UTC" if row.next_backup_at else "only when somebody asks"
        message = f"{actor.name} changed how the volume {row.name} is backed up: to {row.rules.target}, {when}."
        record(session, row.app_id, "backup.rules_changed", message, now=row.updated_at, volume_id=row.id)
        return row

    return await context.database.writing(change)


def write_due(session: Session, context: Context) -> None:
    """Its time moves on in the same transaction, so that no time counts twice; however many were missed, it is one."""
    now = context.clock.now()
    for row in due_volumes(session, now):
        due, row.next_backup_at = row.next_backup_at, _next(row, now)
        session.add(row)
        if has_open_backup(session, row.id):
            message = f"The backup of the volume {row.name} that was due at {due:%H:%M} UTC is left out: the last one goes on."
            record(session, row.app_id, "backup.skipped", message, now=now, volume_id=row.id)
        else:
            _written(session, context, row, row.rules, BackupCause.SCHEDULE, None)


def _written(
    session: Session, context: Context, row: Volume, rules: BackupRules, cause: BackupCause, actor: str | None
) -> Backup:
    target = find_target(session, row.organization_id, rules.target)
    row.last_backup += 1
    backup = Backup(
        id=new_id("bak"),
        volume_id=row.id,
        app_id=row.app_id,
        number=row.last_backup,
        cause=cause,
        actor=actor,
        rules=rules,
        target_id=target.id if target else None,
        created_at=context.clock.now(),
    )
    session.add_all([row, backup])
    session.flush()
    return backup


def _next(row: Volume, now: datetime) -> datetime | None:
    return next_due(row.rules.cron, row.rules.time_zone, now) if row.rules.cron else None
