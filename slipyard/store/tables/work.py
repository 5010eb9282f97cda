"""Pushes, builds, releases and deployments: what was asked for and what became of it."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus
from slipyard.domain.provenance import Envelope
from slipyard.domain.release import ImageIdentity, ReleaseConfig
from slipyard.domain.source import Source
from slipyard.domain.span import Span
from slipyard.store.columns import Json, UtcTime, Word

_HELD = "decision = 'held'"


def _one_for_each_app(name: str, condition: str) -> Index:
    return Index(name, "app_id", unique=True, sqlite_where=text(condition), postgresql_where=text(condition))


class Push(SQLModel, table=True):
    """A commit that somebody sent or announced, and what was decided about it."""

    __tablename__ = "push"
    __table_args__ = (
        Index("push_ref", "app_id", "ref", "id"),
        Index("push_held", "app_id", sqlite_where=text(_HELD), postgresql_where=text(_HELD)),
    )

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id", index=True)
    ref: str
    commit: str
    previous: str | None = None
    trigger: str  # git, github, api, ...
    actor: str
    delivery_id: str | None = None
    decision: str  # accepted, ignored, skipped, superseded, held
    held_for: str | None = Field(default=None, index=True)  # the check that must pass first
    rule: str | None = None  # the one that decided, see domain/push_rules
    reason: str
    created_at: datetime = Field(sa_type=UtcTime)


class CheckSeen(SQLModel, table=True):
    """How a named check of a commit ended last; it may end before its push is heard of."""

    __tablename__ = "check_seen"

    app_id: str = Field(foreign_key="app.id", primary_key=True)
    commit: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    passed: bool
    seen_at: datetime = Field(sa_type=UtcTime)


class Build(SQLModel, table=True):
    __tablename__ = "build"
    __table_args__ = (
        Index("build_number", "app_id", "number", unique=True),
        Index("build_status", "status"),
        _one_for_each_app("build_one_running", "status = 'running'"),
    )

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id")
    number: int
    status: BuildStatus = Field(sa_type=Word(BuildStatus))
    source: Source = Field(sa_type=Json(Source))
    ref: str | None = None
    commit: str | None = None
    snapshot_digest: str | None = None
    plan_key: str | None = Field(default=None, index=True)
    no_cache: bool = False
    image_reference: str | None = None
    image_id: str | None = None
    manifest_digest: str | None = None
    images: dict[str, ImageIdentity] = Field(default_factory=dict, sa_type=Json(dict[str, ImageIdentity]))  # beside it
    published_at: datetime | None = Field(default=None, sa_type=UtcTime)
    publish_attempts: int = 0
    publish_error: str | None = None
    image_removed_at: datetime | None = Field(default=None, sa_type=UtcTime)  # made room: cannot be deployed any more
    removal_due: bool = False  # it was written off, and may still be in the engine or the registry
    provenance: Envelope | None = Field(default=None, sa_type=Json(Envelope))
    cancel_reason: str | None = None
    error: str | None = None
    log_tail: list[str] = Field(default_factory=list, sa_type=Json(list[str]))
    spans: list[Span] = Field(default_factory=list, sa_type=Json(list[Span]))
    claim_token: str | None = None
    claim_holder: str | None = None
    heartbeat: int = 0
    attempt: int = 0
    created_at: datetime = Field(sa_type=UtcTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Release(SQLModel, table=True):
    """Never changed after it was written."""

    __tablename__ = "release"
    __table_args__ = (Index("release_number", "app_id", "number", unique=True),)

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id")
    number: int
    build_id: str | None = Field(default=None, foreign_key="build.id")
    config: ReleaseConfig = Field(sa_type=Json(ReleaseConfig))
    env_encrypted: bytes
    files_encrypted: bytes = b""  # its secret files; empty where it has none
    provenance: Envelope | None = Field(default=None, sa_type=Json(Envelope))  # verified at each deployment of it
    created_at: datetime = Field(sa_type=UtcTime)


class Deployment(SQLModel, table=True):
    __tablename__ = "deployment"
    __table_args__ = (
        Index("deployment_number", "app_id", "number", unique=True),
        Index("deployment_status", "status"),
        _one_for_each_app("deployment_one_at_work", "status IN ('deploying', 'verifying')"),
        _one_for_each_app("deployment_one_active", "status = 'active'"),
    )

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id")
    number: int
    status: DeploymentStatus = Field(sa_type=Word(DeploymentStatus))
    trigger: str  # git, github, api, upload, image, rollback, restart, ...
    actor: str
    title: str = ""
    description: str = ""
    commit: str | None = None
    image: str | None = None  # asked for by reference; resolved to a release by the deploy worker
    build_id: str | None = Field(default=None, foreign_key="build.id", index=True)
    release_id: str | None = Field(default=None, foreign_key="release.id")
    promoted_from: str | None = Field(default=None, index=True)  # the deployment of another app that has its image
    principal: str | None = None  # of who asked, where it was somebody with a token
    awaits_approval: bool = False  # by another one
    approved_by: str | None = None
    force_reason: str | None = None  # why it goes past a freeze window, or was promoted without having been live
    replicas: int | None = None  # for this release only
    env_encrypted: bytes | None = None  # merged into the environment, for this release only
    services: list[str] | None = Field(default=None, sa_type=Json(list[str]))  # only these are started anew; None: all
    previous_id: str | None = None  # the one that was active when this one became active
    parked: str | None = None  # what it waits for without a worker: a key of pipeline/rollout/go_on
    parked_until: datetime | None = Field(default=None, sa_type=UtcTime)  # a canary's next step
    canary_step: int = 0  # how many steps of its traffic a canary was given
    evidence: str | None = None  # what a canary is stopped for, or what went bad after the switch
    bake_until: datetime | None = Field(default=None, sa_type=UtcTime)  # watched so long against the one before
    rolls_back: str | None = None  # the deployment that went bad, where Slipyard itself goes back
    way_back: str | None = None  # how a rollback brought its instances: thawed, started, pulled
    progress: str | None = None  # how far it is, in words
    cancel_reason: str | None = None
    error: str | None = None
    log_tail: list[str] = Field(default_factory=list, sa_type=Json(list[str]))
    spans: list[Span] = Field(default_factory=list, sa_type=Json(list[Span]))
    claim_token: str | None = None
    claim_holder: str | None = None
    heartbeat: int = 0
    attempt: int = 0
    created_at: datetime = Field(sa_type=UtcTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcTime)
