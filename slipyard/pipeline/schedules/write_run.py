"""A run is written down: when its schedule is due, or because somebody asks. What overlaps is decided here."""

from datetime import datetime, timedelta

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.cron import due_between, next_due
from slipyard.domain.errors import Conflict
from slipyard.domain.ids import new_id
from slipyard.domain.schedule import Overlap, RunCause, RunStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.schedules.end_run import close_run, say_missed
from slipyard.store.events import lock_app, record
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.queries.schedules import find_schedule, open_runs_of
from slipyard.store.tables import App, Schedule, ScheduleRun

_LATE = timedelta(minutes=1)


def write_due_run(session: Session, context: Context, schedule_id: str) -> None:
    """`next_at` moves on with it, so that no time is due twice. However many times passed meanwhile, it is one run."""
    now = context.clock.now()
    row = session.get(Schedule, schedule_id)
    if row is None:
        return
    lock_app(session, row.app_id)
    session.refresh(row)
    if row.next_at is None or row.next_at > now:
        return
    number, last = due_between(row.cron, row.time_zone, row.next_at, now)
    is_missed = number > 1 or now - last > _LATE
    run = _new_run(row, RunCause.MISSED if is_missed else RunCause.DUE, last)
    if is_missed:
        run.reason = _missed(number, row.next_at, last)
    row.next_at = next_due(row.cron, row.time_zone, now)
    session.add_all([row, run])
    session.flush()
    say_missed(session, context, row, run)
    _settle(session, context, row, run)


async def ask_run(context: Context, app_id: str, id_or_name: str, actor: Actor) -> ScheduleRun:
    """Now, whether it is paused or not. `Conflict` where it cannot: the run is not written down then."""

    def write(session: Session) -> ScheduleRun:
        app = changeable_app(session, app_id)
        row = find_schedule(session, app, id_or_name)
        refused = _cannot_run(session, app) or (_overlap(session, row) if row.overlap is Overlap.FORBID else None)
        if refused is not None:
            raise Conflict(f"{row.name} cannot run now. {refused}")
        run = _new_run(row, RunCause.ASKED, context.clock.now())
        run.actor = actor.name
        session.add_all([row, run])
        session.flush()
        message = f"{actor.name} runs the schedule {row.name}: run {run.number}."
        record(session, app.id, "schedule.asked", message, now=run.due_at, schedule=row.name, run=run.number)
        _settle(session, context, row, run)
        return run

    return await context.database.writing(write)


def _settle(session: Session, context: Context, row: Schedule, run: ScheduleRun) -> None:
    """Skipped at once, or waiting for its container, with those before it replaced where the schedule says so."""
    refused = _cannot_run(session, session.get_one(App, row.app_id))
    if row.overlap is Overlap.FORBID:
        refused = refused or _overlap(session, row, run)
    if refused is not None:
        close_run(session, context, run, RunStatus.SKIPPED, f"{run.reason} {refused}" if run.reason else refused)
    elif row.overlap is Overlap.REPLACE:
        for before in open_runs_of(session, row.id):
            if before.id != run.id:
                close_run(
                    session, context, before, RunStatus.REPLACED, f"Run {run.number} was due before it had ended."
                )


def _new_run(row: Schedule, cause: RunCause, due_at: datetime) -> ScheduleRun:
    row.last_run += 1
    return ScheduleRun(
        id=new_id("srn"), schedule_id=row.id, app_id=row.app_id, number=row.last_run, cause=cause, due_at=due_at
    )


def _cannot_run(session: Session, app: App) -> str | None:
    if app.stopped:
        return f"{app.slug} is stopped; `slipyard start` starts it."
    if active_deployment(session, app.id) is None:
        return f"Nothing of {app.slug} is live, so there is no release to run it in. Deploy it first."
    return None


def _overlap(session: Session, row: Schedule, run: ScheduleRun | None = None) -> str | None:
    before = next((each for each in open_runs_of(session, row.id) if run is None or each.id != run.id), None)
    if before is None:
        return None
    return f"Run {before.number} has not ended, and overlap is {row.overlap}: allow or replace would start it."


def _missed(number: int, first: datetime, last: datetime) -> str:
    if number == 1:
        return f"It was due at {first:%Y-%m-%d %H:%M} UTC, while Slipyard was not running, and is made up for now."
    return (
        f"It was due {number} times from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, while Slipyard was not "
        "running. This one run makes up for all of them."
    )
