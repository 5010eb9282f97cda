"""Instances, one-off commands and routes: what runs, and where traffic goes."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.store.columns import Json, UtcTime, Word

_OPEN = "ended_at IS NULL"


class Instance(SQLModel, table=True):
    """One container, written down before it is made. Its container's name comes from `id`."""

    __tablename__ = "instance"
    __table_args__ = (Index("instance_app_status", "app_id", "status"),)

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id")
    deployment_id: str = Field(foreign_key="deployment.id", index=True)
    release_id: str = Field(foreign_key="release.id")
    made_for: str | None = None  # the release that its container was made for, where a later one kept it running
    service: str
    ordinal: int  # 0..replicas-1 within its service
    status: InstanceStatus = Field(sa_type=Word(InstanceStatus))
    address: str
    port: int | None = None  # None: not routed
    container_id: str | None = None
    exit_code: int | None = None  # of a command that runs once, such as `release`; else of its last end by itself
    failures: int = 0  # how often in a row it ended by itself, or failed its health check to the last
    failed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    retry_at: datetime | None = Field(default=None, sa_type=UtcTime)  # not started, or replaced, before then
    last_lines: list[str] | None = Field(default=None, sa_type=Json(list[str]))  # of its output when it failed
    trouble: str | None = None  # what is wrong with it now, as a sentence
    resting_since: datetime | None = Field(default=None, sa_type=UtcTime)  # out of the rotation while others serve
    replaces: str | None = None  # the instance whose place it takes once it is ready
    memory_bytes: int | None = Field(default=None, sa_type=BigInteger)  # what it held when it was paused
    created_at: datetime = Field(sa_type=UtcTime)
    paused_at: datetime | None = Field(default=None, sa_type=UtcTime)  # once the engine has said so
    retiring_at: datetime | None = Field(default=None, sa_type=UtcTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcTime)


class RouteRow(SQLModel, table=True):
    """The intent of an app's route. The files of the router are a projection of it: `applied` says they agree."""

    __tablename__ = "route"

    app_id: str = Field(foreign_key="app.id", primary_key=True)
    generation: int
    state: str
    addresses: list[str] = Field(default_factory=list, sa_type=Json(list[str]))
    deployment_id: str | None = None
    applied: bool = False


class OneOff(SQLModel, table=True):
    """A command that somebody runs in a container of its own, written down before it is made. It is open until that
    container is gone; whoever holds it ends it, and the controller does where the holder is dead."""

    __tablename__ = "one_off"
    __table_args__ = (Index("one_off_open", "app_id", sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),)

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id")
    release_id: str = Field(foreign_key="release.id")
    deployment_id: str = Field(foreign_key="deployment.id")
    address: str
    command: list[str] = Field(sa_type=Json(list[str]))
    schedule_run_id: str | None = None  # None: a person runs it, and it ends with whoever holds it
    actor: str
    holder: str
    exit_code: int | None = None
    created_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
