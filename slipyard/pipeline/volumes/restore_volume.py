"""A volume is filled anew, all or nothing: its next generation is filled beside it, and counts once it is whole.

The app runs on meanwhile with what it has. Then it is restarted, the old instances first; what they wrote since is in the old
generation, which goes once nothing has it any more.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass

from sqlmodel import Session

from slipyard.builder.archive_limits import ArchiveLimits
from slipyard.deployer.driver import EngineVolume
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, SlipyardError
from slipyard.pipeline.commands.to_its_end import to_its_end
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.stop_app import restart_app
from slipyard.pipeline.volumes.archive import LIMITS, Tally, unpack
from slipyard.pipeline.volumes.in_thread import InThread
from slipyard.store.claims import is_gone
from slipyard.store.events import record
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.queries.volumes import find_volume
from slipyard.store.tables import App, Release, Volume


@dataclass(frozen=True)
class Restored:
    """`deployment_id` is the restart, where something live has the volume."""

    volume: Volume
    tally: Tally
    deployment_id: str | None


async def restore_volume(
    context: Context,
    app_id: str,
    named: str,
    content: AsyncIterator[bytes],
    actor: Actor,
    limits: ArchiveLimits = LIMITS,
) -> Restored:
    """`content` is a .tar, .tar.gz or .tar.zst, sealed or not. `SourceRefused` and `TooLarge` change nothing."""
    row = await context.database.writing(lambda session: _begin(session, context, app_id, named, actor))
    coming = EngineVolume(row.id, row.generation + 1)
    try:
        tally, enforced = await _fill(context, row, coming, content, limits)
    except BaseException as error:
        await to_its_end(_give_up(context, row, coming, error))
        raise
    row = await context.database.writing(
        lambda session: _switch(session, context, row.id, tally, actor, enforced=enforced)
    )
    return Restored(row, tally, await _restarted(context, row, actor))


async def _fill(
    context: Context, row: Volume, coming: EngineVolume, content: AsyncIterator[bytes], limits: ArchiveLimits
) -> tuple[Tally, bool]:
    """An earlier attempt that died may have left one."""
    await context.driver.remove_volume(coming)
    enforced = await context.driver.make_volume(coming, row.size_bytes)
    piped = InThread(content, lambda feed, write: unpack(feed, write, context.cipher.streams, limits))
    async with aclosing(piped.output()) as output:
        await context.driver.write_volume(coming, str(context.holder), output)
    return piped.result, enforced


async def _restarted(context: Context, row: Volume, actor: Actor) -> str | None:
    if not await context.database.reading(lambda session: _is_live(session, row)):
        return None
    return (await restart_app(context, row.app_id, actor)).deployment_id


def _begin(session: Session, context: Context, app_id: str, named: str, actor: Actor) -> Volume:
    app = changeable_app(session, app_id)
    row = find_volume(session, app, named)
    if row.restoring is not None and not is_gone(row.restoring, context.holder.host):
        raise Conflict(
            f"The volume {row.name} is being restored already. Wait for that; `slipyard events` says how it ends."
        )
    row.restoring = str(context.holder)
    session.add(row)
    message = f"{actor.name} restores the volume {row.name}. Until it is whole, {app.slug} goes on with what it has."
    record(session, app.id, "volume.restoring", message, now=context.clock.now(), volume_id=row.id)
    return row


def _switch(
    session: Session, context: Context, volume_id: str, tally: Tally, actor: Actor, *, enforced: bool
) -> Volume:
    row, now = session.get_one(Volume, volume_id, with_for_update=True), context.clock.now()
    row.generation, row.restoring, row.made_at, row.size_enforced = row.generation + 1, None, now, enforced
    row.used_bytes, row.updated_at = None, now
    session.add(row)
    message = (
        f"{actor.name} restored the volume {row.name}: {tally.entries} entries, {tally.content_bytes} bytes of files."
    )
    record(session, row.app_id, "volume.restored", message, now=now, volume_id=row.id)
    return row


async def _give_up(context: Context, row: Volume, coming: EngineVolume, error: BaseException) -> None:
    with suppress(SlipyardError):
        await context.driver.remove_volume(coming)

    def write(session: Session) -> None:
        there, now = session.get_one(Volume, row.id), context.clock.now()
        there.restoring = None
        session.add(there)
        why = error.message if isinstance(error, SlipyardError) else "it broke off."
        message = f"The volume {row.name} was not restored: {why} It is as it was."
        record(session, row.app_id, "volume.restore_failed", message, now=now, volume_id=row.id)

    await context.database.writing(write)


def _is_live(session: Session, row: Volume) -> bool:
    app, active = session.get_one(App, row.app_id), active_deployment(session, row.app_id)
    if app.stopped or active is None or active.release_id is None:
        return False
    services = session.get_one(Release, active.release_id).config.services
    return any(mount.volume == row.name for each in services for mount in each.mounts)
