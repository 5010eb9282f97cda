"""Apps, and the organization that owns them."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from slipyard.domain.app import AppConfig
from slipyard.store.columns import Json, UtcTime

_ASLEEP = "asleep_since IS NOT NULL"


class Organization(SQLModel, table=True):
    __tablename__ = "organization"

    id: str = Field(primary_key=True)
    slug: str = Field(unique=True)
    name: str
    max_apps: int | None = None  # None: no limit
    created_at: datetime = Field(sa_type=UtcTime)


class App(SQLModel, table=True):
    """`last_*` are the counters that give each app's rows their order; nothing is ordered by time."""

    __tablename__ = "app"
    __table_args__ = (
        Index(
            "app_slug",
            "organization_id",
            "slug",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "app_host",
            "host",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("app_asleep", "asleep_since", sqlite_where=text(_ASLEEP), postgresql_where=text(_ASLEEP)),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    slug: str
    name: str
    description: str = ""
    labels: dict[str, str] = Field(default_factory=dict, sa_type=Json(dict[str, str]))
    environment: str = "production"
    plan: str | None = None  # of the settings; None: made before there were plans, or without one
    region: str | None = None
    config: AppConfig = Field(sa_type=Json(AppConfig))
    host: str
    repository_secret: str  # 128 bits in the names of its images: FROM finds any image of an engine whose name is known
    subnet: str | None = Field(default=None, unique=True)  # issued at the first rollout, free once the app is removed
    last_address: str | None = None  # where the ring of addresses stands
    stopped: bool = False
    asleep_since: datetime | None = Field(default=None, sa_type=UtcTime)  # its route leads to the waker
    rested_at: datetime | None = Field(default=None, sa_type=UtcTime)  # its containers are paused or stopped since then
    used_at: datetime | None = Field(
        default=None, sa_type=UtcTime
    )  # when it woke: what it answered is in the series of its traffic
    scaled_to: int | None = None  # instances of the routed service, by autoscaling; None: as its release says
    locked_at: datetime | None = Field(default=None, sa_type=UtcTime)  # deployments wait from then on
    locked_by: str | None = None
    lock_reason: str | None = None
    maintenance: str | None = None  # what its page says; None: visitors reach the app
    version: int = 1  # for ETag and If-Match
    last_event: int = 0
    last_build: int = 0
    last_deployment: int = 0
    last_release: int = 0
    last_route: int = 0
    last_config: int = 0
    decided_commit: str | None = None  # the head of its branch that was last turned into a build
    parent_id: str | None = Field(default=None, index=True)  # of a preview: the app that it previews
    last_told: int = 0  # the event up to which others were told, see pipeline/telling/tell
    has_git_access: bool | None = None  # None: not tried yet
    git_access_error: str | None = None
    created_at: datetime = Field(sa_type=UtcTime)
    updated_at: datetime = Field(sa_type=UtcTime)
    last_deployed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    deleting_at: datetime | None = Field(default=None, sa_type=UtcTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcTime)
