"""Volumes of apps, what is kept of them, and where."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from slipyard.domain.backup import BackupCause, BackupRules, BackupStatus, S3Place, TargetKind
from slipyard.domain.volume import Attachment
from slipyard.store.columns import Json, UtcTime, Word

_THERE, _OPEN = "removed_at IS NULL", "ended_at IS NULL"


class Volume(SQLModel, table=True):
    """Its name in the engine comes from `id` and `generation`, which moves on when it is restored."""

    __tablename__ = "volume"
    __table_args__ = (
        Index("volume_name", "app_id", "name", unique=True, sqlite_where=text(_THERE), postgresql_where=text(_THERE)),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    app_id: str = Field(foreign_key="app.id", index=True)  # of a deleted one: it is left behind, for another to adopt
    name: str
    size_bytes: int | None = Field(default=None, sa_type=BigInteger)
    exclusive: bool = True
    attachments: list[Attachment] = Field(default_factory=list, sa_type=Json(list[Attachment]))
    generation: int = 1
    made_at: datetime | None = Field(default=None, sa_type=UtcTime)  # in the engine; from then on it must be there
    size_enforced: bool = False  # the engine refuses more
    used_bytes: int | None = Field(default=None, sa_type=BigInteger)
    measured_at: datetime | None = Field(default=None, sa_type=UtcTime)
    full_told: bool = False  # it holds more than its size, and that was said
    removing: bool = False  # asked for by name, as soon as nothing has it any more
    restoring: str | None = None  # who fills its next generation
    paused_by: str | None = None  # who keeps its instances paused while its files are read
    rules: BackupRules = Field(default_factory=BackupRules, sa_type=Json(BackupRules))
    next_backup_at: datetime | None = Field(default=None, sa_type=UtcTime, index=True)
    last_backup: int = 0  # counts them
    created_at: datetime = Field(sa_type=UtcTime)
    updated_at: datetime = Field(sa_type=UtcTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Backup(SQLModel, table=True):
    """Open until it is decided. `place` is its name below its target; None before it is there, and once it is gone."""

    __tablename__ = "backup"
    __table_args__ = (
        Index("backup_number", "volume_id", "number", unique=True),
        Index("backup_open", "id", sqlite_where=text(_OPEN), postgresql_where=text(_OPEN)),
    )

    id: str = Field(primary_key=True)
    volume_id: str = Field(foreign_key="volume.id")
    app_id: str = Field(foreign_key="app.id", index=True)
    number: int  # 1.. of its volume
    cause: BackupCause = Field(sa_type=Word(BackupCause))
    actor: str | None = None
    status: BackupStatus = Field(default=BackupStatus.WAITING, sa_type=Word(BackupStatus))
    reason: str | None = None  # of a failure, as a sentence
    rules: BackupRules = Field(sa_type=Json(BackupRules))  # as they were
    target_id: str | None = None  # None: here
    place: str | None = None
    stored_bytes: int | None = Field(default=None, sa_type=BigInteger)
    content_bytes: int | None = Field(default=None, sa_type=BigInteger)
    entries: int | None = None
    digest: str | None = None  # of the content, whatever its order and form
    key_id: str | None = None  # of the key that opens it; None: not encrypted
    verified_at: datetime | None = Field(default=None, sa_type=UtcTime)
    holder: str | None = None
    created_at: datetime = Field(sa_type=UtcTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)


class BackupTarget(SQLModel, table=True):
    """`directory` or `bucket`, as its kind says."""

    __tablename__ = "backup_target"
    __table_args__ = (Index("backup_target_name", "organization_id", "name", unique=True),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    name: str
    kind: TargetKind = Field(sa_type=Word(TargetKind))
    directory: str | None = None
    bucket: S3Place | None = Field(default=None, sa_type=Json(S3Place))
    secret_encrypted: bytes | None = None  # the secret access key of the bucket
    created_at: datetime = Field(sa_type=UtcTime)
