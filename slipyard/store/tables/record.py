"""Events, webhooks and their deliveries, and the lease of the leader."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from slipyard.domain.hook import HookSettings, Installed
from slipyard.store.columns import Json, UtcTime

_OPEN = "verdict IS NULL"


class Event(SQLModel, table=True):
    """What happened to an app, numbered by app without gaps."""

    __tablename__ = "event"
    __table_args__ = (Index("event_sequence", "app_id", "sequence", unique=True),)

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id")
    sequence: int
    kind: str  # build.running, deployment.active, instance.retiring, app.created, ...
    message: str
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Json(dict[str, Any]))
    created_at: datetime = Field(sa_type=UtcTime)


class Hook(SQLModel, table=True):
    __tablename__ = "hook"

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id", index=True)
    provider: str
    settings: HookSettings = Field(default_factory=HookSettings, sa_type=Json(HookSettings))
    secret_encrypted: bytes
    rejected: int = 0  # deliveries whose signature was wrong
    rejected_at: datetime | None = Field(default=None, sa_type=UtcTime)
    rejection: str | None = None  # why the last one was; nothing of what it carried is kept
    installed: Installed | None = Field(default=None, sa_type=Json(Installed))  # what we made at the provider
    waiting_since: datetime | None = Field(default=None, sa_type=UtcTime)  # for its first delivery
    created_at: datetime = Field(sa_type=UtcTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Delivery(SQLModel, table=True):
    """Written down before it is answered; decided once for each app that it concerns.

    `app_id`, `verdict`, `reason` and `deployment_id` are those of the hook's own app; `decisions` are all of them.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("delivery_once", "hook_id", "provider_id", unique=True),
        Index("delivery_body", "hook_id", "body_digest"),
        Index("delivery_open", "id", sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
    )

    id: str = Field(primary_key=True)
    hook_id: str = Field(foreign_key="hook.id")
    app_id: str = Field(foreign_key="app.id", index=True)
    provider_id: str
    event: str
    headers: dict[str, str] = Field(sa_type=Json(dict[str, str]))
    body: bytes  # empty once retention took it
    body_bytes: int = 0  # as it arrived
    body_digest: str
    replay_of: str | None = None  # the delivery that it repeats, if that one is still kept
    forced: bool = False  # a replay that deploys what is live already
    verdict: str | None = None  # deployed, superseded, skipped, ignored, rejected; None: not decided yet
    reason: str | None = None
    deployment_id: str | None = None
    received_at: datetime = Field(sa_type=UtcTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Decision(SQLModel, table=True):
    """What one delivery meant for one app."""

    __tablename__ = "decision"

    delivery_id: str = Field(foreign_key="delivery.id", primary_key=True)
    app_id: str = Field(foreign_key="app.id", primary_key=True, index=True)
    verdict: str  # deployed, superseded, skipped, ignored
    reason: str
    deployment_id: str | None = None
    decided_at: datetime = Field(sa_type=UtcTime)


class Lease(SQLModel, table=True):
    """Who leads. Others call it lost when their own clock saw `heartbeat` stand still for the lease."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    holder: str
    token: str
    heartbeat: int = 0
