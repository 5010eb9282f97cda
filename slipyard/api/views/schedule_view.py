"""Schedules and their runs, as they are answered."""

from sqlmodel import Session

from slipyard.domain.schemas.schedule_shapes import ScheduleRunView, ScheduleView
from slipyard.store.queries.schedules import runs_of
from slipyard.store.tables import Schedule, ScheduleRun

_COMPUTED = {"last_run", "seconds"}


def schedule_view(session: Session, row: Schedule) -> ScheduleView:
    last = session.exec(runs_of(row.id).limit(1)).first()
    fields = row.model_dump(include=set(ScheduleView.model_fields) - _COMPUTED)
    return ScheduleView(**fields, last_run=None if last is None else run_view(last))


def run_view(row: ScheduleRun) -> ScheduleRunView:
    took = (row.ended_at - row.started_at).total_seconds() if row.started_at and row.ended_at else None
    return ScheduleRunView(**row.model_dump(include=set(ScheduleRunView.model_fields) - _COMPUTED), seconds=took)
