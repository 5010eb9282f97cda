"""Schedules, their runs, and the containers of those."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from slipyard.domain.errors import NotFound
from slipyard.domain.schedule import RunStatus
from slipyard.store.tables import App, OneOff, Schedule, ScheduleRun

_AT_ONCE = 500


@dataclass(frozen=True)
class Leftover:
    """A container that its run, None where that is gone, needs no more."""

    row: OneOff
    run: ScheduleRun | None


def schedules_of(session: Session, app_id: str) -> list[Schedule]:
    """By name."""
    return list(session.exec(select(Schedule).where(Schedule.app_id == app_id).order_by(col(Schedule.name))))


def find_schedule(session: Session, app: App, id_or_name: str) -> Schedule:
    query = select(Schedule).where(Schedule.app_id == app.id)
    found = session.exec(query.where((col(Schedule.id) == id_or_name) | (col(Schedule.name) == id_or_name))).first()
    if found is None:
        raise NotFound(f"{app.slug} has no schedule {id_or_name!r}; GET .../schedules lists them.")
    return found


def due_schedules(session: Session, now: datetime) -> list[str]:
    """Their ids, the one that is due longest first; none of an app that is being deleted."""
    query = select(Schedule.id).join(App, col(App.id) == col(Schedule.app_id))
    query = query.where(col(Schedule.next_at) <= now, col(App.deleting_at).is_(None))
    return list(session.exec(query.order_by(col(Schedule.next_at), col(Schedule.id)).limit(_AT_ONCE)))


def runs_of(schedule_id: str) -> SelectOfScalar[ScheduleRun]:
    """A query: newest first."""
    return select(ScheduleRun).where(ScheduleRun.schedule_id == schedule_id).order_by(col(ScheduleRun.number).desc())


def find_run(session: Session, schedule: Schedule, number: int) -> ScheduleRun | None:
    query = select(ScheduleRun).where(ScheduleRun.schedule_id == schedule.id, ScheduleRun.number == number)
    return session.exec(query).first()


def run_of(session: Session, schedule: Schedule, number: int) -> ScheduleRun:
    found = find_run(session, schedule, number)
    if found is None:
        raise NotFound(f"{schedule.name} has no run {number}, or its history does not go back to it.")
    return found


def open_runs_of(session: Session, schedule_id: str) -> list[ScheduleRun]:
    query = select(ScheduleRun).where(ScheduleRun.schedule_id == schedule_id, col(ScheduleRun.ended_at).is_(None))
    return list(session.exec(query.order_by(col(ScheduleRun.number))))


def open_runs(session: Session) -> list[ScheduleRun]:
    """Of all apps, oldest first."""
    query = select(ScheduleRun).where(col(ScheduleRun.ended_at).is_(None)).order_by(col(ScheduleRun.id))
    return list(session.exec(query.limit(_AT_ONCE)))


def containers_of_schedule(session: Session, schedule_id: str) -> list[OneOff]:
    """Those that are not gone yet."""
    query = select(OneOff).join(ScheduleRun, col(ScheduleRun.id) == col(OneOff.schedule_run_id))
    query = query.where(ScheduleRun.schedule_id == schedule_id, col(OneOff.ended_at).is_(None))
    return list(session.exec(query))


def containers_of_app(session: Session, app_id: str) -> list[OneOff]:
    """Of all commands that run in it."""
    query = select(OneOff).where(OneOff.app_id == app_id, col(OneOff.ended_at).is_(None))
    return list(session.exec(query))


def leftover_containers(session: Session) -> list[Leftover]:
    query = (
        select(OneOff, ScheduleRun)
        .join(ScheduleRun, col(ScheduleRun.id) == col(OneOff.schedule_run_id), isouter=True)
        .where(col(OneOff.ended_at).is_(None), col(OneOff.schedule_run_id).is_not(None))
        .where(or_(col(ScheduleRun.id).is_(None), col(ScheduleRun.status) != RunStatus.RUNNING))
    )
    return [Leftover(row, run) for row, run in session.exec(query)]


def prune_runs(session: Session, schedule: Schedule, kept: int) -> None:
    """Leaves those that are open and the newest `kept`."""
    old = delete(ScheduleRun).where(col(ScheduleRun.schedule_id) == schedule.id)
    old = old.where(col(ScheduleRun.number) <= schedule.last_run - kept)
    session.execute(old.where(col(ScheduleRun.ended_at).is_not(None)))


def forget_runs(session: Session, schedule_id: str) -> None:
    session.execute(delete(ScheduleRun).where(col(ScheduleRun.schedule_id) == schedule_id))


def erase_schedules(session: Session, app_id: str) -> None:
    """Of an app that is gone."""
    session.execute(delete(ScheduleRun).where(col(ScheduleRun.app_id) == app_id))
    session.execute(delete(Schedule).where(col(Schedule.app_id) == app_id))


def schedule_ids(session: Session) -> set[str]:
    return set(session.exec(select(Schedule.id)))
