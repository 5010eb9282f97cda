"""Builds, releases and deployments as they are answered."""

from datetime import datetime
from typing import Any

from pydantic import Field

from slipyard.domain.release import ImageIdentity
from slipyard.domain.schemas.outgoing import Outgoing, Page
from slipyard.domain.source import Source
from slipyard.domain.span import Span


class ChainLink(Outgoing):
    kind: str = Field(description="build or deployment")
    id: str
    number: int
    status: str
    app_id: str
    app: str
    environment: str
    finished_at: datetime | None


class DeploymentView(Outgoing):
    id: str
    app_id: str
    number: int
    status: str
    trigger: str
    actor: str
    title: str
    description: str
    commit: str | None
    image: str | None
    build_id: str | None
    release_id: str | None
    replicas: int | None
    way_back: str | None = Field(description="How a rollback got there: thawed, started or pulled")
    progress: str | None = Field(description="How far a rollout is, in words")
    waits_for: str | None = Field(description="Why it waits, or who works on it; null where it is over")
    queue_position: int | None = Field(description="From 1, where it waits for a worker or for its build")
    awaits_approval: bool
    approved_by: str | None
    force_reason: str | None = Field(
        description="Why it was forced past a freeze, or promoted without having been live"
    )
    promoted_from: str | None = Field(description="The deployment of another app that has its image")
    chain: list[ChainLink] = Field(description="From the build through the apps to this one, where it was promoted")
    error: str | None
    log_tail: list[str] = Field(description="The last lines of what failed")
    spans: list[Span]
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class BuildView(Outgoing):
    id: str
    app_id: str
    number: int
    status: str
    source: Source
    ref: str | None
    commit: str | None
    snapshot_digest: str | None
    no_cache: bool
    image: str | None
    images: dict[str, ImageIdentity] = Field(description="Those made beside it, by name")
    image_id: str | None
    manifest_digest: str | None
    published_at: datetime | None
    error: str | None
    log_tail: list[str]
    spans: list[Span]
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ProvenanceView(Outgoing):
    """What the signed statement of an image says, and whether it is to be believed."""

    verified: bool = Field(description="False: no deployment of this release is let through")
    fault: str | None = Field(description="Why it is not verified")
    kind: str | None = Field(description="built, or pulled: an image that was made elsewhere")
    image_id: str | None
    reference: str | None
    manifest_digest: str | None
    build_id: str | None
    reused_from: str | None = Field(description="The build that made the image, where tree and plan had not changed")
    commit: str | None
    repository: str | None
    snapshot_digest: str | None
    plan_key: str | None
    builder: str | None
    sbom: list[str] = Field(description="Digests of the lists of contents that the image carries")
    finished_at: datetime | None
    envelope: dict[str, Any] | None = Field(description="DSSE with an in-toto statement; in the answer of one release")


class ReleaseView(Outgoing):
    id: str
    app_id: str
    number: int
    build_id: str | None
    commit: str | None
    image: str
    image_id: str
    manifest_digest: str | None
    services: list[dict[str, Any]]
    env_fingerprints: dict[str, str] = Field(description="Changes with the value, tells nothing of it")
    active: bool
    provenance: ProvenanceView
    created_at: datetime


class DeploymentList(Page):
    deployments: list[DeploymentView]


class BuildList(Page):
    builds: list[BuildView]


class ReleaseList(Page):
    releases: list[ReleaseView]


class QueueItem(Outgoing):
    kind: str = Field(description="build, deployment, or push: one that waits for a check")
    id: str
    app_id: str
    app: str
    number: int | None
    status: str
    reason: str = Field(description="Why it waits, or who works on it")
    position: int | None = Field(description="From 1, where it waits for a worker or for its build")
    created_at: datetime


class QueueView(Outgoing):
    running: list[QueueItem]
    waiting: list[QueueItem]
