"""How a run stands when it is over, and what is said of it."""

from sqlmodel import Session

from slipyard.domain.schedule import RunCause, RunStatus
from slipyard.pipeline.context import Context
from slipyard.store.events import record
from slipyard.store.queries.schedules import find_run, prune_runs
from slipyard.store.tables import Schedule, ScheduleRun

_SAID = {RunStatus.FAILED: "failed", RunStatus.SKIPPED: "was skipped", RunStatus.REPLACED: "was replaced"}
_KEPT_RUNS = 100  # of a schedule


def close_run(session: Session, context: Context, run: ScheduleRun, status: RunStatus, reason: str | None) -> None:
    """Its container, where it has one, is ended next. Success is in the history; what did not succeed is an event too."""
    run.status, run.reason, run.ended_at, run.not_before = status, reason, context.clock.now(), None
    session.add(run)
    session.flush()
    schedule = session.get_one(Schedule, run.schedule_id)
    if status in _SAID and not _said_before(session, schedule, run):
        _say(session, context, schedule, run)
    prune_runs(session, schedule, _KEPT_RUNS)


def _said_before(session: Session, schedule: Schedule, run: ScheduleRun) -> bool:
    """That one after the other is skipped is said once."""
    before = find_run(session, schedule, run.number - 1)
    return run.status is RunStatus.SKIPPED and before is not None and before.status is RunStatus.SKIPPED


def _say(session: Session, context: Context, schedule: Schedule, run: ScheduleRun) -> None:
    message = f"Run {run.number} of the schedule {schedule.name} {_SAID[run.status]}: {run.reason}"
    kind = f"schedule.{run.status}"
    data = {"schedule": schedule.name, "run": run.number, "exit_code": run.exit_code}
    record(session, run.app_id, kind, message, now=context.clock.now(), **data)


def say_missed(session: Session, context: Context, schedule: Schedule, run: ScheduleRun) -> None:
    if run.cause is RunCause.MISSED:
        message = f"The schedule {schedule.name}: {run.reason}"
        data = {"schedule": schedule.name, "run": run.number}
        record(session, run.app_id, "schedule.missed", message, now=context.clock.now(), **data)
