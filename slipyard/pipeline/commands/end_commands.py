"""Containers of commands whose holder died, or whose app is being deleted, go: nothing is left behind."""

import asyncio

import structlog
from sqlmodel import Session, col, select

from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.commands.run_command import end_command
from slipyard.pipeline.context import Context
from slipyard.store.claims import Holder, process_start
from slipyard.store.events import record
from slipyard.store.tables import App, OneOff

_log = structlog.get_logger()


async def end_commands(context: Context) -> None:
    """One pass. A holder on another machine is left to its own controller: nobody here can tell whether it lives."""
    for row, deleting in await context.database.reading(_open):
        if not deleting and (row.schedule_run_id or await asyncio.to_thread(_lives, row.holder, context.holder.host)):
            continue  # nobody holds one of a schedule: its run is looked at
        try:
            await end_command(context, row.id, None)
        except SlipyardError as error:
            _log.warning("command_not_ended", run_id=row.id, error=error.message)
            continue
        await _say(context, row)


def commands_left(session: Session, app: App) -> int:
    """How many containers of commands an app may still have."""
    return len(session.exec(select(OneOff.id).where(OneOff.app_id == app.id, col(OneOff.ended_at).is_(None))).all())


def _lives(holder: str, here: str) -> bool:
    found = Holder.parse(holder)
    return found.host != here or process_start(found.pid) == found.started


async def _say(context: Context, row: OneOff) -> None:
    now = context.clock.now()
    message = f"The command of {row.actor} in a container of its own was ended: who ran it is gone."
    await context.database.writing(
        lambda session: record(session, row.app_id, "command.ended", message, now=now, run_id=row.id, exit_code=None)
    )


def _open(session: Session) -> list[tuple[OneOff, bool]]:
    query = select(OneOff, col(App.deleting_at)).join(App, col(App.id) == col(OneOff.app_id))
    rows = session.exec(query.where(col(OneOff.ended_at).is_(None))).all()
    return [(row, deleting_at is not None) for row, deleting_at in rows]
