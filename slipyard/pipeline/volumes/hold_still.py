"""A volume is read while its app is prepared for it: a command ran there, or its instances stand still."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from sqlmodel import Session, col, select

from slipyard.domain.backup import BackupRules
from slipyard.domain.errors import Conflict, SlipyardError, UserError
from slipyard.domain.health import Command, arguments
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.pipeline.commands.to_its_end import to_its_end
from slipyard.pipeline.context import Context
from slipyard.pipeline.together import together
from slipyard.store.claims import is_gone
from slipyard.store.tables import Instance, Release, Volume


@asynccontextmanager
async def prepared(context: Context, row: Volume, rules: BackupRules) -> AsyncIterator[None]:
    """`UserError` where the command before fails; the one after runs however it went, and so does the app again."""
    containers = await context.database.reading(lambda session: _containers(session, row))
    if rules.before is not None:
        await _run(context, row, containers, rules.before)
    try:
        if rules.pause:
            await _pause(context, row, containers)
        yield
    finally:
        await to_its_end(_go_on(context, row, rules, containers))  # whoever asked may be gone: the app must run again


async def is_held_still(context: Context, app_id: str) -> bool:
    """Whether somebody who lives reads a volume of this app and keeps its instances paused meanwhile."""

    def holders(session: Session) -> list[str | None]:
        query = select(Volume.paused_by).where(Volume.app_id == app_id, col(Volume.paused_by).is_not(None))
        return list(session.exec(query).all())

    found = await context.database.reading(holders)
    return any(not is_gone(each, context.holder.host) for each in found if each)


async def _go_on(context: Context, row: Volume, rules: BackupRules, containers: Sequence[str]) -> None:
    if rules.pause:
        await _thaw(context, row, containers)
    if rules.after is not None:
        await _run(context, row, containers, rules.after)


async def _pause(context: Context, row: Volume, containers: Sequence[str]) -> None:
    await _note(context, row, str(context.holder))
    await together(context.driver.pause(each) for each in containers)


async def _thaw(context: Context, row: Volume, containers: Sequence[str]) -> None:
    """Whatever is not there any more the healer sees to."""
    for each in containers:
        with suppress(SlipyardError):
            await context.driver.thaw(each)
            await context.driver.keep_running(each, keep=True)
    await _note(context, row, None)


async def _run(context: Context, row: Volume, containers: Sequence[str], command: Command) -> None:
    if not containers:
        raise Conflict(f"Nothing runs that has the volume {row.name}, so its command cannot run. Start the app first.")
    done = await context.engine.execute(containers[0], arguments(command))
    if done.exit_code:
        raise UserError(
            f"The command for backups of the volume {row.name} exited with code {done.exit_code}: {done.last_line[:300]}."
            " Put it right: `slipyard volumes backup-rules`."
        )


async def _note(context: Context, row: Volume, holder: str | None) -> None:
    def write(session: Session) -> None:
        there = session.get_one(Volume, row.id)
        there.paused_by = holder
        session.add(there)

    await context.database.writing(write)


def _containers(session: Session, row: Volume) -> list[str]:
    """Of instances that serve and mount it."""
    query = select(Instance).where(Instance.app_id == row.app_id, Instance.status == InstanceStatus.SERVING)
    found = []
    for instance in session.exec(query.order_by(col(Instance.ordinal), col(Instance.id))).all():
        services = session.get_one(Release, instance.release_id).config.services
        mounts = (mount for each in services if each.name == instance.service for mount in each.mounts)
        if instance.container_id and any(mount.volume == row.name for mount in mounts):
            found.append(instance.container_id)
    return found
