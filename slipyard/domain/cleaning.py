"""What cleaning finds: a thing, how large it is, and why it may go or has to stay. And how full the disk is."""

from dataclasses import dataclass, field

IMAGE, ENGINE_IMAGE, BUILD_CACHE = "image", "engine image", "build cache"
MANIFEST, BLOBS, REPOSITORY = "registry manifest", "registry blobs", "registry repository"
SNAPSHOTS, CONTEXTS, LOGS, MIRROR = "snapshots", "contexts", "logs", "git repository"
NETWORK, PAUSED = "network", "paused instance"


@dataclass(frozen=True)
class CleaningItem:
    """`bytes` is None where nobody can say. `count`: so many things of one kind, told as one."""

    kind: str
    name: str
    reason: str
    removable: bool
    app: str | None = None
    bytes: int | None = None
    count: int = 1


@dataclass(frozen=True)
class DiskUse:
    """In bytes. `total` and `used` are of the file systems that data and engine lie on, `parts` what of it is Slipyard's."""

    total: int
    used: int
    share: float
    parts: dict[str, int] = field(default_factory=dict)

    @property
    def own(self) -> int:
        return sum(self.parts.values())

    @property
    def limit(self) -> int:
        return int(self.total * self.share)

    @property
    def excess(self) -> int:
        return max(0, self.own - self.limit)
