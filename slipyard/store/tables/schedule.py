"""Commands that run when a cron line says so, and each of their runs."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from slipyard.domain.schedule import Overlap, RunCause, RunStatus
from slipyard.store.columns import Json, UtcTime, Word

_OPEN = "ended_at IS NULL"


class Schedule(SQLModel, table=True):
    """`next_at` moves on in the transaction that writes the run down, so that no time comes twice."""

    __tablename__ = "schedule"
    __table_args__ = (Index("schedule_name", "app_id", "name", unique=True),)

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id")
    name: str
    cron: str
    time_zone: str = "UTC"
    command: list[str] = Field(sa_type=Json(list[str]))
    service: str | None = None  # whose limits and environment its container gets
    overlap: Overlap = Field(default=Overlap.FORBID, sa_type=Word(Overlap))
    timeout_seconds: float
    retries: int = 0
    retry_seconds: float
    enabled: bool = True
    from_repository: bool = False  # the app's own files name it: a deployment changes and removes it
    last_run: int = 0  # counts its runs
    next_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    created_at: datetime = Field(sa_type=UtcTime)
    updated_at: datetime = Field(sa_type=UtcTime)


class ScheduleRun(SQLModel, table=True):
    """Open until it is decided. `one_off_id` is the container of its last attempt."""

    __tablename__ = "schedule_run"
    __table_args__ = (
        Index("schedule_run_number", "schedule_id", "number", unique=True),
        Index("schedule_run_open", "id", sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
    )

    id: str = Field(primary_key=True)
    schedule_id: str = Field(foreign_key="schedule.id")
    app_id: str = Field(foreign_key="app.id", index=True)
    number: int  # 1.. within its schedule
    cause: RunCause = Field(sa_type=Word(RunCause))
    actor: str | None = None  # who asked
    status: RunStatus = Field(default=RunStatus.WAITING, sa_type=Word(RunStatus))
    reason: str | None = None  # of how it stands, as a sentence
    due_at: datetime = Field(sa_type=UtcTime)
    attempt: int = 0
    not_before: datetime | None = Field(default=None, sa_type=UtcTime)  # of the next attempt
    one_off_id: str | None = None
    exit_code: int | None = None
    started_at: datetime | None = Field(default=None, sa_type=UtcTime)  # of its last attempt
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
