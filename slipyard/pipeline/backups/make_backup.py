"""One backup: read, packed and sealed on its way to its place, then restored into a scratch volume and compared."""

from contextlib import aclosing, suppress
from dataclasses import dataclass

from sqlmodel import Session

from slipyard.clients.backup_places.backup_place import BackupPlace
from slipyard.deployer.driver import EngineVolume
from slipyard.domain.backup import BackupStatus
from slipyard.domain.errors import SlipyardError, SystemFault
from slipyard.pipeline.backups.targets import place_of_backup
from slipyard.pipeline.commands.to_its_end import to_its_end
from slipyard.pipeline.context import Context
from slipyard.pipeline.volumes.archive import OWN, Tally, pack, tally, unpack
from slipyard.pipeline.volumes.hold_still import prepared
from slipyard.pipeline.volumes.in_thread import InThread
from slipyard.pipeline.volumes.make_volumes import engine_volume, make_volume
from slipyard.store.events import record
from slipyard.store.tables import App, Backup, Volume

FAILED, SUCCEEDED = "backup.failed", "backup.succeeded"


@dataclass(frozen=True)
class _Job:
    backup: Backup
    volume: Volume
    name: str  # below its place


async def make_backup(context: Context, backup_id: str) -> None:
    """Ends in one outcome, which is an event of the app. What of a failed one lies at its place is removed."""
    job = await context.database.writing(lambda session: _begin(session, context, backup_id))
    place = None
    try:
        place = await place_of_backup(context, job.backup)
        stored, packed = await _store(context, job, place)
        if job.backup.rules.verify:
            await _verify(context, job, place, packed)
    except BaseException as error:
        await to_its_end(_fail(context, job, place, error))
        if not isinstance(error, SlipyardError):
            raise
        return
    await context.database.writing(lambda session: _succeed(session, context, job, stored, packed))


async def _store(context: Context, job: _Job, place: BackupPlace) -> tuple[int, Tally]:
    if job.volume.made_at is None:
        await make_volume(context, job.volume)
    key = context.cipher.streams if job.backup.rules.encrypt else None
    async with prepared(context, job.volume, job.backup.rules):
        raw = context.driver.read_volume(engine_volume(job.volume), str(context.holder))
        packing = InThread(raw, lambda feed, write: pack(feed, write, key))
        async with aclosing(packing.output()) as output:
            stored = await place.put(job.name, output)
    return stored, packing.result


async def _verify(context: Context, job: _Job, place: BackupPlace, packed: Tally) -> None:
    """As whoever needs it would: from its place into a volume, and out of that again."""
    scratch = EngineVolume(job.backup.id)
    await context.driver.make_volume(scratch, None)
    try:
        opening = InThread(place.get(job.name), lambda feed, write: unpack(feed, write, context.cipher.streams, OWN))
        async with aclosing(opening.output()) as output:
            await context.driver.write_volume(scratch, str(context.holder), output)
        again = context.driver.read_volume(scratch, str(context.holder))
        restored = await InThread(again, lambda feed, _: tally(feed)).read()
    finally:
        await to_its_end(_remove_scratch(context, scratch))
    if restored.digest != packed.digest:
        raise SystemFault(
            f"Backup {job.backup.number} was restored on trial, and what came out is not what went in ({restored.entries} of"
            f" {packed.entries} entries). Look at the disk of its place; the earlier backups stay."
        )


async def _remove_scratch(context: Context, scratch: EngineVolume) -> None:
    with suppress(SlipyardError):
        await context.driver.remove_volume(scratch)


async def _fail(context: Context, job: _Job, place: BackupPlace | None, error: BaseException) -> None:
    if place is not None:
        with suppress(SlipyardError):
            await place.delete(job.name)
    why = error.message if isinstance(error, SlipyardError) else "It was broken off."
    await context.database.writing(lambda session: fail_backup(session, context, job.backup.id, why))


def fail_backup(session: Session, context: Context, backup_id: str, why: str) -> None:
    row, now = session.get_one(Backup, backup_id), context.clock.now()
    app, volume = session.get_one(App, row.app_id), session.get_one(Volume, row.volume_id)
    row.status, row.reason, row.ended_at, row.place = BackupStatus.FAILED, why, now, None
    session.add(row)
    message = f"{app.slug}: backup {row.number} of the volume {volume.name} failed. {why}"
    record(session, app.id, FAILED, message, now=now, volume_id=volume.id, backup_id=row.id)


def _begin(session: Session, context: Context, backup_id: str) -> _Job:
    row = session.get_one(Backup, backup_id)
    volume, app = session.get_one(Volume, row.volume_id), session.get_one(App, row.app_id)
    ending = "tar.zst.sealed" if row.rules.encrypt else "tar.zst"
    name = f"{context.installation_id}/{app.slug}/{volume.name}/{row.created_at:%Y%m%dT%H%M%SZ}-{row.id}.{ending}"
    row.status, row.holder, row.started_at = BackupStatus.RUNNING, str(context.holder), context.clock.now()
    row.place = name
    session.add(row)
    return _Job(row, volume, name)


def _succeed(session: Session, context: Context, job: _Job, stored: int, packed: Tally) -> None:
    row, now = session.get_one(Backup, job.backup.id), context.clock.now()
    row.status, row.ended_at, row.stored_bytes = BackupStatus.SUCCEEDED, now, stored
    row.content_bytes, row.entries, row.digest = packed.content_bytes, packed.entries, packed.digest
    row.key_id = context.cipher.streams.id if row.rules.encrypt else None
    row.verified_at = now if row.rules.verify else None
    session.add(row)
    checked = ", restored on trial and found the same" if row.rules.verify else ""
    message = f"Backup {row.number} of the volume {job.volume.name} is at {row.rules.target}: {stored} bytes{checked}."
    record(session, row.app_id, SUCCEEDED, message, now=now, volume_id=row.volume_id, backup_id=row.id)
