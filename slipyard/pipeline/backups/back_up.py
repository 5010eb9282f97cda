"""What is due or asked for is backed up, a few at a time; what the rules do not keep goes; the dead are said to be so."""

import asyncio
from dataclasses import dataclass, field

import structlog
from sqlmodel import Session

from slipyard.domain.backup import BackupStatus, kept_of
from slipyard.domain.errors import Conflict, SlipyardError
from slipyard.pipeline.backups.ask_backup import write_due
from slipyard.pipeline.backups.make_backup import fail_backup, make_backup
from slipyard.pipeline.backups.targets import place_of_backup
from slipyard.pipeline.context import Context
from slipyard.store.claims import is_gone
from slipyard.store.events import record
from slipyard.store.queries.backups import backups_of, due_volumes, open_backups
from slipyard.store.tables import Backup, Volume

_AT_ONCE = 2
_BROKEN_OFF = (
    "The process that made it ended. The next one is made as the rules say; `slipyard volumes backup` makes one now."
)
_log = structlog.get_logger()


@dataclass
class BackupWatch:
    """Those that this leader makes, by id."""

    running: dict[str, asyncio.Task[None]] = field(default_factory=dict)


async def back_up(context: Context, watch: BackupWatch) -> None:
    """One pass. It waits for none of them: a large one must not keep others from their time."""
    if await context.database.reading(lambda session: bool(due_volumes(session, context.clock.now()))):
        await context.database.writing(lambda session: write_due(session, context))
    await _take_in(context, watch)
    for row in await context.database.reading(open_backups):
        if row.status is BackupStatus.RUNNING and row.id not in watch.running:
            await _bury(context, row)
        elif row.status is BackupStatus.WAITING and len(watch.running) < _AT_ONCE and row.id not in watch.running:
            watch.running[row.id] = asyncio.ensure_future(make_backup(context, row.id))


async def _take_in(context: Context, watch: BackupWatch) -> None:
    for backup_id in [each for each, task in watch.running.items() if task.done()]:
        error = watch.running.pop(backup_id).exception()
        if error is not None:
            _log.error("backup_failed", backup_id=backup_id, exc_info=error)
        await keep_by_rules(context, backup_id)


async def _bury(context: Context, row: Backup) -> None:
    """A leader before this one made it: what it left at its place goes."""
    if row.holder is not None and not await asyncio.to_thread(is_gone, row.holder, context.holder.host):
        return
    try:
        if row.place is not None:
            await (await place_of_backup(context, row)).delete(row.place)
    except SlipyardError as error:
        _log.warning("half_backup_not_removed", backup_id=row.id, error=error.message)
    await context.database.writing(lambda session: fail_backup(session, context, row.id, _BROKEN_OFF))


async def keep_by_rules(context: Context, backup_id: str) -> None:
    """After one that succeeded: those before it that its volume's rules do not keep."""
    for row in await context.database.reading(lambda session: _surplus(session, backup_id)):
        try:
            await remove_backup(context, row, "the rules keep others")
        except SlipyardError as error:
            _log.warning("backup_not_removed", backup_id=row.id, error=error.message)


async def remove_backup(context: Context, row: Backup, why: str) -> None:
    """From its place; its row stays, as history. `Conflict` while it is being made."""
    if row.ended_at is None:
        raise Conflict(f"Backup {row.number} is being made. Remove it when that is done.")
    if row.place is not None:
        await (await place_of_backup(context, row)).delete(row.place)

    def gone(session: Session) -> None:
        there, now = session.get_one(Backup, row.id), context.clock.now()
        there.place = None
        session.add(there)
        volume = session.get_one(Volume, there.volume_id)
        message = f"Backup {there.number} of the volume {volume.name} was removed: {why}."
        record(session, there.app_id, "backup.removed", message, now=now, volume_id=volume.id, backup_id=there.id)

    await context.database.writing(gone)


def _surplus(session: Session, backup_id: str) -> list[Backup]:
    """None after a failure: the last good one is worth more than a rule."""
    row = session.get_one(Backup, backup_id)
    if row.status is not BackupStatus.SUCCEEDED:
        return []
    volume = session.get_one(Volume, row.volume_id)
    there = [
        each
        for each in backups_of(session, volume.id)
        if each.status is BackupStatus.SUCCEEDED and each.place is not None and each.target_id == row.target_id
    ]
    kept = kept_of(((each.id, each.started_at or each.created_at) for each in there), volume.rules.keep)
    return [each for each in there if each.id not in kept | {row.id}]
