"""What runs now, and what it says."""

from datetime import datetime
from typing import Any

from pydantic import Field

from slipyard.domain.schemas.outgoing import Outgoing
from slipyard.domain.schemas.service_shapes import ServiceView


class InstanceView(Outgoing):
    id: str
    name: str
    service: str
    phase: str
    ready: bool
    in_rotation: bool = Field(
        description="Whether it gets requests; one that is away or unwell rests while others serve"
    )
    restarts: int = Field(description="How often in a row it ended by itself, or had to be replaced")
    exit_code: int | None = Field(description="Of its last end by itself")
    next_start_at: datetime | None = Field(description="When it is started, or replaced, at the earliest")
    trouble: str | None = Field(description="What is wrong with it now: a crash loop, its health, a difference")
    last_lines: list[str] = Field(description="The end of its output when it last ended by itself")
    image: str | None
    address: str
    container_id: str | None
    deployment_id: str
    release_id: str
    started_at: datetime | None
    created_at: datetime


class InstanceList(Outgoing):
    instances: list[InstanceView]


class PodList(Outgoing):
    pods: list[InstanceView]


class StatusView(Outgoing):
    app_id: str
    state: str
    message: str
    desired_replicas: int
    replicas: int
    ready_replicas: int
    url: str | None
    services: list[ServiceView]
    instances: list[InstanceView]
    pods: list[InstanceView]


class LogEntry(Outgoing):
    timestamp: datetime
    message: str
    stream: str
    instance_id: str


class LogView(Outgoing):
    app_id: str
    instance_id: str | None
    logs: list[LogEntry]
    has_more: bool


class EventView(Outgoing):
    id: str
    app_id: str
    sequence: int
    kind: str
    message: str
    data: dict[str, Any]
    created_at: datetime


class EventList(Outgoing):
    events: list[EventView]
    has_more: bool
    next_after: int = Field(description="Send as ?after= to go on")
