"""What an end in the middle leaves in the engine goes: earlier generations, half-filled ones, doors. And what is in volumes
is measured, and said where it is more than it should be."""

from collections.abc import Collection
from datetime import timedelta

import structlog
from sqlmodel import Session

from slipyard.deployer.driver import EngineVolume
from slipyard.domain.errors import Conflict, NotFound, SlipyardError
from slipyard.domain.ids import is_id
from slipyard.pipeline.context import Context
from slipyard.pipeline.volumes.change_volume import take_away
from slipyard.pipeline.volumes.make_volumes import engine_volume
from slipyard.store.claims import is_gone
from slipyard.store.events import record
from slipyard.store.queries.backups import open_backups
from slipyard.store.queries.volumes import present_volumes
from slipyard.store.tables import App, Volume

MEASURED_EVERY = timedelta(seconds=300)
FULL, ROOM = "volume.full", "volume.has_room"
_ROOM_AGAIN = 0.9  # of its size
_log = structlog.get_logger()


async def tidy_volumes(context: Context) -> None:
    """One pass. What the app was not asked about by name never goes: only what no row counts any more."""
    rows = {row.id: row for row in await context.database.reading(present_volumes)}
    backed_up = {row.id for row in await context.database.reading(open_backups)}
    try:
        for door, who in (await context.driver.doors()).items():
            if is_gone(who, context.holder.host):
                await context.driver.close_door(door)
        for volume in await context.driver.volumes():
            await _tidy(context, volume, rows.get(volume.id), backed_up)
    except SlipyardError as error:
        _log.warning("volumes_not_tidied", error=error.message)
    for row in rows.values():
        await _look_after(context, row)


async def _tidy(context: Context, volume: EngineVolume, row: Volume | None, backed_up: Collection[str]) -> None:
    """A backup's own is the one that it is restored into on trial."""
    if is_id(volume.id, "bak") and volume.id not in backed_up:
        await context.driver.remove_volume(volume)
    if row is None or row.generation == volume.generation:
        return
    busy = row.restoring is not None and not is_gone(row.restoring, context.holder.host)
    if volume.generation > row.generation and busy:
        return
    try:
        await context.driver.remove_volume(volume)
    except Conflict:
        return  # an old instance has it still


async def _look_after(context: Context, row: Volume) -> None:
    now = context.clock.now()
    try:
        if row.removing and await context.database.reading(lambda session: _app_lives(session, row)):
            await take_away(context, row)
        elif row.made_at is not None and (row.measured_at is None or now - row.measured_at >= MEASURED_EVERY):
            used = await context.driver.volume_bytes(engine_volume(row))
            await context.database.writing(lambda session: _measured(session, context, row.id, used))
    except (NotFound, Conflict):
        return  # gone, or in use: it is said where somebody needs it
    except SlipyardError as error:
        _log.warning("volume_not_measured", volume_id=row.id, error=error.message)


def _measured(session: Session, context: Context, volume_id: str, used: int | None) -> None:
    row, now = session.get_one(Volume, volume_id), context.clock.now()
    row.used_bytes, row.measured_at = used, now
    if row.size_bytes is not None and used is not None:
        _judge(session, context, row, used, row.size_bytes)
    session.add(row)


def _judge(session: Session, context: Context, row: Volume, used: int, most: int) -> None:
    app, now = session.get_one(App, row.app_id), context.clock.now()
    if app.deleted_at is not None:
        return
    if used >= most and not row.full_told:
        row.full_told = True
        message = (
            f"{app.slug}: the volume {row.name} holds {used} bytes, and {most} is its size. Make room, or give it more:"
            f" `slipyard volumes set {app.slug} {row.name} --size`."
        )
        record(session, app.id, FULL, message, now=now, volume_id=row.id)
    elif used < most * _ROOM_AGAIN and row.full_told:
        row.full_told = False
        message = f"{app.slug}: the volume {row.name} has room again: {used} of {most} bytes."
        record(session, app.id, ROOM, message, now=now, volume_id=row.id)


def _app_lives(session: Session, row: Volume) -> bool:
    """Of one that is being deleted its cleaning sees to them, in its order."""
    return session.get_one(App, row.app_id).deleting_at is None
