"""What an image build needs and gives, as values. `buildkit/` does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from slipyard.domain.credentials import Credentials


@dataclass(frozen=True)
class Dockerfile:
    """`path` in the context, or `text` where Slipyard wrote it."""

    path: str = "Dockerfile"
    text: str | None = None


@dataclass(frozen=True)
class ImageBuild:
    """`context` is a tar already filtered by `.dockerignore`; `cache_namespace` keeps apps' cache mounts apart."""

    build_id: str
    context: Path
    dockerfile: Dockerfile
    reference: str
    cache_namespace: str
    build_args: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    credentials: Mapping[str, Credentials] = field(default_factory=dict)  # by registry host
    target: str | None = None
    platform: str | None = None
    no_cache: bool = False
    sbom_generator: str | None = None  # an image; only where the builder pushes
    push: bool = False  # a standalone buildkitd must push; the engine's own keeps the image, pushed later


@dataclass(frozen=True)
class Step:
    """A vertex of the build as it becomes known, begins and ends. Times are UNIX seconds of the daemon."""

    number: int
    name: str
    started_at: float | None = None
    completed_at: float | None = None
    cached: bool = False
    error: str = ""


@dataclass(frozen=True)
class StepOutput:
    number: int
    stream: int  # 1 stdout, 2 stderr
    data: bytes
    at: float | None = None  # UNIX seconds of the daemon


@dataclass(frozen=True)
class StepWarning:
    number: int
    message: str
    location: str = ""  # file:line


Progress = Step | StepOutput | StepWarning


@dataclass(frozen=True)
class BuiltImage:
    """`image_id` is None where the registry has to be asked: an index was pushed, with attestations beside the image."""

    image_id: str | None
    manifest_digest: str | None  # None where the image was not pushed


@dataclass(frozen=True)
class CacheUse:
    """Bytes that a builder keeps of earlier builds, and those of them that no build uses now."""

    bytes: int
    reclaimable: int


class ImageBuilder(Protocol):
    async def build(self, build: ImageBuild, progress: Callable[[Progress], None]) -> BuiltImage:
        """`BuildFailed` with the last lines of the failing step; `Unavailable` where the daemon is away.
        Cancelling the task kills the whole build."""

    async def describe(self) -> str:
        """The builder in use, for `doctor` and provenance: kind, version, address."""

    async def cache_use(self) -> CacheUse:
        """`Unavailable` where the builder does not answer. May take seconds."""

    async def prune_cache(self, keep_bytes: int) -> int:
        """How many bytes went; the least recently used first, until no more than `keep_bytes` are left."""
