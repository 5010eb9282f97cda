"""Schedules of an app are made, changed and removed. When they are due next is written down with each change."""

import asyncio
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, func, select

from slipyard.domain.actor import Actor
from slipyard.domain.cron import next_due
from slipyard.domain.errors import Conflict, FieldProblem
from slipyard.domain.health import Command, arguments
from slipyard.domain.ids import new_id
from slipyard.domain.schedule import MOST_SCHEDULES, Overlap, RunStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import configurable_app
from slipyard.pipeline.schedules.end_run import close_run
from slipyard.store.events import record
from slipyard.store.kept_output import KeptOutput
from slipyard.store.queries.schedules import find_schedule, forget_runs, open_runs_of, schedules_of
from slipyard.store.tables import App, Schedule

_WHEN = {"cron", "time_zone", "enabled"}


@dataclass(frozen=True)
class NewSchedule:
    """`cron` and `time_zone` are checked. `service`: whose limits the container gets; None: the app's first."""

    name: str
    cron: str
    command: Command
    time_zone: str = "UTC"
    service: str | None = None
    overlap: Overlap = Overlap.FORBID
    timeout_seconds: float = 3600.0
    retries: int = 0
    retry_seconds: float = 30.0
    enabled: bool = True


async def make_schedule(context: Context, app_id: str, new: NewSchedule, actor: Actor) -> Schedule:
    """`Conflict` where the name is taken or the app has too many."""

    def make(session: Session) -> Schedule:
        app = configurable_app(session, app_id)
        _refuse_another(session, app, new.name)
        row = add_schedule(session, context, app, new)
        message = f"{actor.name} made the schedule {row.name}: {row.cron} ({row.time_zone})."
        record(session, app.id, "schedule.created", message, now=row.created_at, schedule=row.name)
        return row

    return await context.database.writing(make)


async def change_schedule(
    context: Context, app_id: str, id_or_name: str, changes: dict[str, Any], actor: Actor
) -> Schedule:
    """`changes`: fields of `NewSchedule` but the name. A run that is under way goes on as it began."""

    def change(session: Session) -> Schedule:
        app = configurable_app(session, app_id)
        row = find_schedule(session, app, id_or_name)
        _refuse_of_repository(row, changes)
        set_fields(context, row, changes)
        session.add(row)
        message = f"{actor.name} changed the schedule {row.name}: {', '.join(sorted(changes)) or 'nothing'}."
        record(session, app.id, "schedule.changed", message, now=row.updated_at, schedule=row.name)
        return row

    return await context.database.writing(change)


async def remove_schedule(context: Context, app_id: str, id_or_name: str, actor: Actor) -> str:
    """Its name. What runs is ended; its history and its output go with it."""

    def remove(session: Session) -> Schedule:
        app = configurable_app(session, app_id)
        row = find_schedule(session, app, id_or_name)
        _refuse_of_repository(row, {"name"})
        drop_schedule(session, context, row)
        message = f"{actor.name} removed the schedule {row.name}."
        record(session, app.id, "schedule.removed", message, now=context.clock.now(), schedule=row.name)
        return row

    row = await context.database.writing(remove)
    await asyncio.to_thread(KeptOutput(context.layout.schedule_output).forget_app, row.id)
    return row.name


def add_schedule(
    session: Session, context: Context, app: App, new: NewSchedule, *, from_repository: bool = False
) -> Schedule:
    now = context.clock.now()
    row = Schedule(
        id=new_id("sch"),
        app_id=app.id,
        name=new.name,
        cron=new.cron,
        time_zone=new.time_zone,
        command=list(arguments(new.command)),
        service=new.service,
        overlap=new.overlap,
        timeout_seconds=new.timeout_seconds,
        retries=new.retries,
        retry_seconds=new.retry_seconds,
        enabled=new.enabled,
        from_repository=from_repository,
        next_at=next_due(new.cron, new.time_zone, now) if new.enabled else None,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return row


def set_fields(context: Context, row: Schedule, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(row, name, list(arguments(value)) if name == "command" else value)
    row.updated_at = context.clock.now()
    if changes.keys() & _WHEN:
        row.next_at = next_due(row.cron, row.time_zone, row.updated_at) if row.enabled else None


def drop_schedule(session: Session, context: Context, row: Schedule) -> None:
    """Containers of its runs are ended by the controller, which finds that nobody waits for them any more."""
    for run in open_runs_of(session, row.id):
        close_run(session, context, run, RunStatus.CANCELLED, "Its schedule was removed.")
    forget_runs(session, row.id)
    session.delete(row)
    session.flush()


def _refuse_another(session: Session, app: App, name: str) -> None:
    if session.exec(select(func.count()).where(Schedule.app_id == app.id)).one() >= MOST_SCHEDULES:
        raise Conflict(f"{app.slug} has {MOST_SCHEDULES} schedules, and that is the most. Remove one first.")
    if any(row.name == name for row in schedules_of(session, app.id)):
        raise Conflict(
            f"{app.slug} has a schedule {name} already. Choose another name, or change that one.",
            details=[FieldProblem("name", "already taken")],
        )


def _refuse_of_repository(row: Schedule, changes: dict[str, Any] | set[str]) -> None:
    """Turning it off is the server's business; the rest would be gone with the next deployment."""
    if row.from_repository and set(changes) - {"enabled"}:
        raise Conflict(
            f"The schedule {row.name} comes from the app's repository. Change it there and deploy, or only pause it here."
        )
