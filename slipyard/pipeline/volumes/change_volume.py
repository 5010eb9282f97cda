"""Volumes of an app as people change them: made, mounted, let go, and removed by name alone."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from slipyard.domain.actor import Actor
from slipyard.domain.backup import OPEN_BACKUP
from slipyard.domain.errors import Conflict, FieldProblem, ValidationFailed
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.volume import Attachment, VolumeConfig
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app, configurable_app
from slipyard.pipeline.volumes.make_volumes import engine_volume
from slipyard.pipeline.volumes.settle_mounts import add_volume
from slipyard.store.events import record
from slipyard.store.queries.volumes import find_left_behind, find_volume, volumes_of
from slipyard.store.tables import App, Backup, Instance, Release, Volume

LATER = "It counts from the next deployment on."


@dataclass(frozen=True)
class NewVolume:
    """`adopt` is the id of one that a deleted app left behind, with all that is in it."""

    config: VolumeConfig
    attachment: Attachment | None = None
    adopt: str | None = None


async def create_volume(context: Context, app_id: str, new: NewVolume, actor: Actor) -> Volume:
    """`Conflict` where the app has one of this name."""

    def create(session: Session) -> Volume:
        app = configurable_app(session, app_id)
        if any(each.name == new.config.name for each in volumes_of(session, app.id)):
            raise Conflict(
                f"{app.slug} has a volume {new.config.name} already. Choose another name, or attach that one."
            )
        row = _adopted(session, app, new, actor) if new.adopt else add_volume(session, context, app, new.config)
        if new.attachment is not None:
            _attach(session, app, row, new.attachment)
        session.add(row)
        what = "adopted the volume" if new.adopt else "made the volume"
        _say(session, context, row, "volume.created", f"{actor.name} {what} {row.name}.")
        return row

    return await context.database.writing(create)


async def attach_volume(context: Context, app_id: str, named: str, attachment: Attachment, actor: Actor) -> Volume:
    """Mounted there from the next deployment on. `ValidationFailed` where something lies there already."""

    def attach(session: Session) -> Volume:
        app = configurable_app(session, app_id)
        row = find_volume(session, app, named)
        _attach(session, app, row, attachment)
        message = f"{actor.name} attached the volume {row.name} at {attachment.path}. {LATER}"
        _say(session, context, row, "volume.attached", message)
        return row

    return await context.database.writing(attach)


async def detach_volume(context: Context, app_id: str, named: str, path: str | None, actor: Actor) -> Volume:
    """Of all paths, or of one. Its data stays. `Conflict` where it is attached nowhere, or not there."""

    def detach(session: Session) -> Volume:
        app = configurable_app(session, app_id)
        row = find_volume(session, app, named)
        kept = [each for each in row.attachments if path is not None and each.path != path]
        if len(kept) == len(row.attachments):
            where = f"at {path}" if path else "anywhere"
            raise Conflict(
                f"The volume {row.name} is not attached {where}. What slipyard.yaml or compose.yaml mounts is changed there."
            )
        row.attachments = kept
        _say(session, context, row, "volume.detached", f"{actor.name} detached the volume {row.name}. {LATER}")
        return row

    return await context.database.writing(detach)


async def change_volume(context: Context, app_id: str, named: str, changes: dict[str, Any], actor: Actor) -> Volume:
    """`changes`: size_bytes, exclusive. A size is enforced only from the making of a volume on; it is measured at any time."""

    def change(session: Session) -> Volume:
        app = changeable_app(session, app_id)
        row = find_volume(session, app, named)
        if "size_bytes" in changes and row.size_enforced and changes["size_bytes"] != row.size_bytes:
            raise Conflict(
                f"The container engine holds the volume {row.name} to its size, and cannot change that. Make a larger one"
                f" and copy: `slipyard volumes copy {app.slug} {row.name} NEW`."
            )
        for name, value in changes.items():
            setattr(row, name, value)
        row.full_told = False
        _say(session, context, row, "volume.changed", f"{actor.name} changed the volume {row.name}. {LATER}")
        return row

    return await context.database.writing(change)


async def remove_volume(context: Context, app_id: str, named: str, actor: Actor) -> Volume:
    """With its data, for good; its backups stay. `Conflict` while a release that runs mounts it."""

    def mark(session: Session) -> Volume:
        app = changeable_app(session, app_id)
        row = find_volume(session, app, named)
        _refuse_used(session, app, row)
        row.removing, row.attachments = True, []
        _say(session, context, row, "volume.removing", f"{actor.name} removed the volume {row.name} and its data.")
        return row

    row = await context.database.writing(mark)
    return await take_away(context, row)


async def take_away(context: Context, row: Volume) -> Volume:
    """What was marked: from the engine first, so that the row stays where that fails."""
    await context.driver.remove_volume(engine_volume(row))

    def gone(session: Session) -> Volume:
        there = session.get_one(Volume, row.id)
        if there.removed_at is None:
            there.removed_at = context.clock.now()
            session.add(there)
            _say(session, context, there, "volume.removed", f"The volume {there.name} and its data are gone.")
        return there

    return await context.database.writing(gone)


def mark_for_removal(session: Session, app: App, names: list[str]) -> list[str]:
    """Of an app that is being deleted; the names of those that stay. `NotFound` for one that it has not. A preview keeps
    none."""
    rows = volumes_of(session, app.id)
    going = (
        {row.id for row in rows}
        if app.parent_id is not None
        else {find_volume(session, app, each).id for each in names}
    )
    for row in rows:
        row.attachments, row.next_backup_at = [], None
        row.rules = row.rules.model_copy(update={"cron": None})
        row.removing = row.id in going or row.made_at is None
        session.add(row)
    return [row.name for row in rows if not row.removing]


def _adopted(session: Session, app: App, new: NewVolume, actor: Actor) -> Volume:
    row = find_left_behind(session, actor, new.adopt or "")
    row.app_id, row.name, row.exclusive = app.id, new.config.name, new.config.exclusive
    return row


def _attach(session: Session, app: App, row: Volume, attachment: Attachment) -> None:
    others = [(other.name, each) for other in volumes_of(session, app.id) for each in other.attachments]
    for name, each in others:
        if each.path == attachment.path and each.service == attachment.service:
            raise ValidationFailed(
                f"The volume {name} is attached at {each.path} already. Detach it, or choose another path.",
                details=[FieldProblem("path", "has a volume already")],
            )
    row.attachments = [*row.attachments, attachment]
    session.add(row)


def _refuse_used(session: Session, app: App, row: Volume) -> None:
    there = select(Instance.release_id).where(Instance.app_id == app.id, col(Instance.status) != InstanceStatus.RETIRED)
    for release_id in set(session.exec(there).all()):
        services = session.get_one(Release, release_id).config.services
        if any(mount.volume == row.name for each in services for mount in each.mounts):
            raise Conflict(
                f"{app.slug} runs with the volume {row.name}. Detach it and deploy, or stop the app, then remove it:"
                f" `slipyard volumes detach {app.slug} {row.name}`."
            )
    open_backups = select(Backup.id).where(Backup.volume_id == row.id, col(Backup.status).in_(OPEN_BACKUP))
    if session.exec(open_backups).first() is not None:
        raise Conflict(f"A backup of the volume {row.name} is being made. Remove it when that is done.")


def _say(session: Session, context: Context, row: Volume, kind: str, message: str) -> None:
    row.updated_at = context.clock.now()
    session.add(row)
    session.flush()
    record(session, row.app_id, kind, message, now=row.updated_at, volume_id=row.id)
