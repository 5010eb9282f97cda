"""Schedules and their runs: what is asked and what is answered."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from slipyard.domain.cron import CronText, ZoneName
from slipyard.domain.health import Command
from slipyard.domain.schedule import Overlap
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing, Page

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", examples=["nightly"])]
Timeout = Annotated[float, Field(gt=0, le=7 * 86_400, description="A run is stopped after that many seconds")]
Retries = Annotated[int, Field(ge=0, le=10, description="Further attempts of a run that failed")]
Pause = Annotated[float, Field(ge=0, le=86_400, description="Seconds between two attempts")]
Service = Annotated[str, Field(max_length=60, description="Whose limits its container gets")]


class CreateSchedule(Incoming):
    name: Name
    cron: CronText
    command: Command
    time_zone: ZoneName = "UTC"
    service: Service | None = None
    overlap: Overlap = Field(Overlap.FORBID, description="Where the run before has not ended: allow, forbid, replace")
    timeout_seconds: Timeout = 3600.0
    retries: Retries = 0
    retry_seconds: Pause = 30.0
    enabled: bool = True


class ChangeSchedule(Incoming):
    """Only what is given changes."""

    cron: CronText | None = None
    command: Command | None = None
    time_zone: ZoneName | None = None
    service: Service | None = None
    overlap: Overlap | None = None
    timeout_seconds: Timeout | None = None
    retries: Retries | None = None
    retry_seconds: Pause | None = None
    enabled: bool | None = None


class ScheduleRunView(Outgoing):
    id: str
    number: int = Field(description="From 1 within its schedule")
    status: str = Field(description="waiting, running, succeeded, failed, skipped, replaced or cancelled")
    cause: str = Field(description="due, missed (made up for) or asked")
    actor: str | None = Field(description="Who asked")
    reason: str | None = Field(description="Why it stands as it does, as a sentence")
    due_at: datetime
    attempt: int
    exit_code: int | None
    started_at: datetime | None = Field(description="Of its last attempt")
    ended_at: datetime | None
    seconds: float | None = Field(description="How long its last attempt took")


class ScheduleView(Outgoing):
    id: str
    app_id: str
    name: str
    cron: str
    time_zone: str
    command: list[str]
    service: str | None
    overlap: Overlap
    timeout_seconds: float
    retries: int
    retry_seconds: float
    enabled: bool
    from_repository: bool = Field(description="The app's own files name it")
    next_at: datetime | None
    last_run: ScheduleRunView | None
    created_at: datetime
    updated_at: datetime


class ScheduleList(Outgoing):
    schedules: list[ScheduleView]
    total: int


class ScheduleRunList(Page):
    runs: list[ScheduleRunView]


class RunLine(Outgoing):
    at: datetime
    stream: str
    message: str


class RunOutput(Outgoing):
    run: ScheduleRunView
    lines: list[RunLine] = Field(description="Of all its attempts, in order")
