"""A backup goes back into its volume, or into one of another app: whole, or nothing changes."""

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict
from slipyard.domain.volume import VolumeConfig
from slipyard.pipeline.backups.targets import place_of_backup
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.volumes.archive import OWN
from slipyard.pipeline.volumes.restore_volume import Restored, restore_volume
from slipyard.pipeline.volumes.settle_mounts import add_volume
from slipyard.store.events import record
from slipyard.store.queries.backups import find_numbered
from slipyard.store.queries.volumes import find_volume, volumes_of
from slipyard.store.tables import App, Backup, Volume


async def give_back(context: Context, app_id: str, named: str, id_or_number: str, actor: Actor) -> Restored:
    """A number is of this volume; an id may be of any volume that the actor sees. The volume is made where it is not there.

    `Conflict` for a backup that failed or was removed, `NotFound` where its place has it no more.
    """
    backup = await context.database.writing(
        lambda session: _found(session, context, (app_id, named), id_or_number, actor)
    )
    place = await place_of_backup(context, backup)
    return await restore_volume(context, app_id, named, place.get(backup.place or ""), actor, OWN)


def _found(session: Session, context: Context, target: tuple[str, str], id_or_number: str, actor: Actor) -> Backup:
    app_id, named = target
    app = changeable_app(session, app_id)
    there = any(named in {row.id, row.name} for row in volumes_of(session, app.id))
    row = find_volume(session, app, named) if there else _made_for(session, context, app, named)
    backup = find_numbered(session, actor, row, id_or_number)
    if backup.place is None or backup.ended_at is None or backup.digest is None:
        raise Conflict(
            f"Backup {backup.number} is {backup.status}{'' if backup.place else ' and not at its place any more'}, so there is"
            " nothing to restore. Take another one."
        )
    return backup


def _made_for(session: Session, context: Context, app: App, name: str) -> Volume:
    row = add_volume(session, context, app, VolumeConfig(name=name))
    message = f"The volume {name} was made for a backup."
    record(session, app.id, "volume.created", message, now=context.clock.now(), volume_id=row.id)
    return row
