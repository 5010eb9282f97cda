"""What an installation says of itself."""

from pydantic import Field

from slipyard.domain.schemas.outgoing import Outgoing


class Part(Outgoing):
    name: str
    ok: bool
    detail: str = Field(description="A version where it answers, else what is wrong")


class SystemView(Outgoing):
    installation_id: str
    version: str
    python: str
    domain: str
    read_only: bool
    provenance_key: str = Field(description="PEM of the public key that checks the statements of releases")
    parts: list[Part]


class CleaningItemView(Outgoing):
    kind: str = Field(description="image, engine image, registry manifest, registry blobs, snapshots, logs and others")
    name: str
    app: str | None
    bytes: int | None = Field(description="What its removal frees, or freed; null where nobody can say")
    count: int = Field(description="So many things of this kind, told as one")
    removable: bool
    reason: str = Field(description="Why it may go, or why it stays")


class DiskView(Outgoing):
    """In bytes."""

    total: int = Field(description="Of the file systems with Slipyard's data and the engine's")
    used: int = Field(description="Of these, by everybody")
    own: int = Field(description="By Slipyard: its data, its images, the builder's cache")
    share: float = Field(description="SLIPYARD_DISK_SHARE")
    limit: int = Field(description="What of `total` is its share")
    parts: dict[str, int] = Field(description="What is its own, by kind")


class CleaningView(Outgoing):
    dry_run: bool
    freed_bytes: int = Field(description="What went, or with `dry_run` what would go")
    removed: list[CleaningItemView]
    kept: list[CleaningItemView]
    troubles: list[str] = Field(description="What could not be looked at or removed, and why")
    disk: DiskView | None = Field(description="Null where a part that has to be asked is away")


class Health(Outgoing):
    status: str
