"""Somebody ends a run."""

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict
from slipyard.domain.schedule import RunStatus
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.schedules.end_run import close_run
from slipyard.store.events import record
from slipyard.store.queries.schedules import find_schedule, run_of
from slipyard.store.tables import ScheduleRun


async def cancel_run(context: Context, app_id: str, id_or_name: str, number: int, actor: Actor) -> ScheduleRun:
    """Its container is ended within seconds. `Conflict` where it is over."""

    def cancel(session: Session) -> ScheduleRun:
        app = changeable_app(session, app_id)
        schedule = find_schedule(session, app, id_or_name)
        run = run_of(session, schedule, number)
        if run.ended_at is not None:
            raise Conflict(f"Run {number} of {schedule.name} is over: it {run.status}. There is nothing to cancel.")
        close_run(session, context, run, RunStatus.CANCELLED, f"{actor.name} cancelled it.")
        message = f"{actor.name} cancelled run {number} of the schedule {schedule.name}."
        data = {"schedule": schedule.name, "run": number}
        record(session, app.id, "schedule.cancelled", message, now=context.clock.now(), **data)
        return run

    return await context.database.writing(cancel)
