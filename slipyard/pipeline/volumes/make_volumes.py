"""Volumes come into being in the engine right before something mounts them for the first time."""

from sqlmodel import Session, col, select

from slipyard.deployer.driver import EngineVolume
from slipyard.pipeline.context import Context
from slipyard.store.events import record
from slipyard.store.queries.volumes import volumes_of
from slipyard.store.tables import Volume


async def make_volumes(context: Context, app_id: str) -> None:
    """Repeatable. One that was made and is gone from the engine is never made again: see `driver.start`."""
    for row in await context.database.reading(lambda session: _unmade(session, app_id)):
        await make_volume(context, row)


async def make_volume(context: Context, row: Volume) -> None:
    enforced = await context.driver.make_volume(engine_volume(row), row.size_bytes)
    await context.database.writing(lambda session: _made(session, context, row.id, enforced=enforced))


def engine_volume(row: Volume) -> EngineVolume:
    return EngineVolume(row.id, row.generation)


def engine_volumes(session: Session, app_id: str) -> dict[str, EngineVolume]:
    """By the app's names."""
    return {row.name: engine_volume(row) for row in volumes_of(session, app_id)}


def _unmade(session: Session, app_id: str) -> list[Volume]:
    query = select(Volume).where(Volume.app_id == app_id, col(Volume.removed_at).is_(None))
    return list(session.exec(query.where(col(Volume.made_at).is_(None))).all())


def _made(session: Session, context: Context, volume_id: str, *, enforced: bool) -> None:
    row, now = session.get_one(Volume, volume_id), context.clock.now()
    if row.made_at is not None:
        return
    row.made_at, row.size_enforced = now, enforced
    session.add(row)
    if row.size_bytes is not None and not enforced:
        message = (
            f"The volume {row.name} was made. This machine's file system cannot hold it to {row.size_bytes} bytes: what is"
            " in it is measured, and you are told when it is more."
        )
        record(session, row.app_id, "volume.unlimited", message, now=now, volume_id=row.id)
