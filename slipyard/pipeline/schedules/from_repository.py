"""The schedules that an app's own files name become those of the app: new ones come, changed ones change, others go."""

from collections.abc import Sequence

from sqlmodel import Session

from slipyard.domain.health import arguments
from slipyard.pipeline.context import Context
from slipyard.pipeline.schedules.schedules import NewSchedule, add_schedule, drop_schedule, set_fields
from slipyard.store.events import record
from slipyard.store.queries.schedules import schedules_of
from slipyard.store.tables import App, Schedule


def take_schedules(session: Session, context: Context, app: App, wanted: Sequence[NewSchedule]) -> None:
    """In the transaction that makes a release live. One that was paused here stays so; one that somebody made here with
    a name of the files' stays as it is. Repeatable."""
    there = {row.name: row for row in schedules_of(session, app.id)}
    for new in wanted:
        row = there.get(new.name)
        if row is None:
            add_schedule(session, context, app, new, from_repository=True)
            _say(session, context, app, f"The schedule {new.name} comes from the repository: {new.cron}.")
        elif row.from_repository and (changes := _changes(row, new)):
            set_fields(context, row, changes)
            session.add(row)
            _say(
                session, context, app, f"The repository changed the schedule {new.name}: {', '.join(sorted(changes))}."
            )
    names = {new.name for new in wanted}
    for row in there.values():
        if row.from_repository and row.name not in names:
            drop_schedule(session, context, row)
            _say(session, context, app, f"The schedule {row.name} is gone: the repository names it no more.")


def _changes(row: Schedule, new: NewSchedule) -> dict[str, object]:
    given: dict[str, object] = {
        "cron": new.cron,
        "time_zone": new.time_zone,
        "command": new.command,
        "service": new.service,
    }
    return {
        name: value
        for name, value in given.items()
        if (list(arguments(new.command)) if name == "command" else value) != getattr(row, name)
    }


def _say(session: Session, context: Context, app: App, message: str) -> None:
    record(session, app.id, "schedule.changed", message, now=context.clock.now())
