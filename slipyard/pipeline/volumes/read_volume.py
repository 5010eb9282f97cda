"""What is in a volume, for somebody to keep: a `.tar.zst` while it is read, or the content of another volume."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.backup import BackupRules
from slipyard.domain.errors import Conflict
from slipyard.domain.volume import VolumeConfig
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import configurable_app
from slipyard.pipeline.volumes.archive import pack
from slipyard.pipeline.volumes.hold_still import prepared
from slipyard.pipeline.volumes.in_thread import InThread
from slipyard.pipeline.volumes.make_volumes import engine_volume, make_volume
from slipyard.pipeline.volumes.restore_volume import Restored, restore_volume
from slipyard.pipeline.volumes.settle_mounts import add_volume
from slipyard.store.events import record
from slipyard.store.queries.volumes import find_volume, volumes_of
from slipyard.store.tables import App, Volume


async def begin_reading(
    context: Context, app_id: str, named: str, rules: BackupRules, actor: Actor
) -> AsyncGenerator[bytes, None]:
    """`NotFound`, `Conflict` and what the command before says come before anything is answered. What is read runs on,
    unless the rules pause it: of files that change meanwhile nobody can say which state they are read in."""
    row = await _readable(context, app_id, named)
    content = _packed(context, row, rules)
    first = await anext(content, b"")
    message = f"{actor.name} reads the volume {row.name} out."
    now = context.clock.now()
    await context.database.writing(
        lambda session: record(session, row.app_id, "volume.read", message, now=now, volume_id=row.id)
    )
    return _with_first(first, content)


async def copy_volume(
    context: Context, source: tuple[str, str], target: tuple[str, str], rules: BackupRules, actor: Actor
) -> Restored:
    """From `(app id, volume)` into another one, which is made where it is not there; all or nothing."""
    row = await _readable(context, *source)
    await context.database.writing(lambda session: _target(session, context, row, target))
    async with prepared(context, row, rules):
        content = context.driver.read_volume(engine_volume(row), str(context.holder))
        return await restore_volume(context, *target, content, actor)


async def _packed(context: Context, row: Volume, rules: BackupRules) -> AsyncGenerator[bytes, None]:
    key = context.cipher.streams if rules.encrypt else None
    async with prepared(context, row, rules):
        raw = context.driver.read_volume(engine_volume(row), str(context.holder))
        async with aclosing(InThread(raw, lambda feed, write: pack(feed, write, key)).output()) as output:
            async for piece in output:
                yield piece


async def _with_first(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


async def _readable(context: Context, app_id: str, named: str) -> Volume:
    row = await context.database.reading(lambda session: find_volume(session, session.get_one(App, app_id), named))
    if row.made_at is None:
        await make_volume(context, row)
    return row


def _target(session: Session, context: Context, source: Volume, target: tuple[str, str]) -> None:
    app_id, name = target
    app = configurable_app(session, app_id)
    there = {each for row in volumes_of(session, app.id) for each in (row.id, row.name)}
    if source.id in {row.id for row in volumes_of(session, app.id) if name in {row.id, row.name}}:
        raise Conflict(f"The volume {source.name} cannot be copied onto itself. Name another one.")
    if name not in there:
        config = VolumeConfig(name=name, size_bytes=source.size_bytes, exclusive=source.exclusive)
        row = add_volume(session, context, app, config)
        message = f"The volume {name} was made for a copy of {source.name}."
        record(session, app.id, "volume.created", message, now=context.clock.now(), volume_id=row.id)
