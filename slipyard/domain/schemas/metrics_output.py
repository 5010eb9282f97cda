"""What an app uses and answers: now, and over time."""

from datetime import datetime

from pydantic import Field

from slipyard.domain.schemas.outgoing import Outgoing


class UsageView(Outgoing):
    """Of one step; a limit of null is none. Network and disk in bytes a second."""

    at: datetime = Field(description="When the step began")
    cpu_cores: float
    cpu_limit_cores: float | None
    cpu_percent: float | None = Field(description="Of the limit")
    memory_bytes: int
    memory_limit_bytes: int | None
    memory_percent: float | None = Field(description="Of the limit")
    network_received: float
    network_sent: float
    disk_read: float
    disk_written: float
    processes: int
    instances: int
    requests_per_second: float
    errors_per_second: float = Field(description="Answers of 5xx")


class AnswersView(Outgoing):
    """Of one step, or of the whole range; times in milliseconds, null where nothing was answered."""

    at: datetime = Field(description="When it began")
    seconds: int = Field(description="How long it is")
    requests: int
    statuses: dict[str, int] = Field(description="By class: 2xx, 4xx", examples=[{"2xx": 98, "5xx": 2}])
    mean_ms: float | None
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class SeriesView(Outgoing):
    kind: str = Field(description="service or instance")
    name: str = Field(description="Of the service, or the id of the instance")
    service: str
    now: UsageView | None = Field(description="The newest step; null where nothing was measured in the last minute")
    answers: AnswersView | None = Field(description="Of the whole range, or of the last five minutes; services only")
    points: list[UsageView] = Field(description="With ?range, oldest first; a step without a value is left out")
    answer_points: list[AnswersView]


class MetricsView(Outgoing):
    app_id: str
    range_seconds: int | None
    step_seconds: int
    series: list[SeriesView]


class AppUsage(Outgoing):
    """The newest step of one service of an app."""

    app_id: str
    app: str = Field(description="Its slug")
    service: str
    now: UsageView
    answers: AnswersView = Field(description="Of the last five minutes")


class AllUsage(Outgoing):
    services: list[AppUsage]
