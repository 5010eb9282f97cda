"""Backups of volumes: what is asked and what is answered."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from slipyard.domain.backup import BackupCause, BackupStatus, KeepRules, S3Place, TargetKind
from slipyard.domain.cron import CronText, ZoneName
from slipyard.domain.health import Command
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing
from slipyard.domain.volume import VolumeName

TargetName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", examples=["offsite"])]


class AskBackup(Incoming):
    """What is left out is as the volume's rules say."""

    target: str | None = Field(None, max_length=100, description="Name of a place; `here` is always there")
    encrypt: bool | None = None
    verify: bool | None = None
    pause: bool | None = None
    before: Command | None = None
    after: Command | None = None


class ChangeBackupRules(AskBackup):
    other_names = {"schedule": "cron"}  # noqa: RUF012 - a table

    cron: CronText | None = Field(None, description="null: only when somebody asks")
    time_zone: ZoneName | None = None
    keep: KeepRules | None = None


class RestoreVolume(Incoming):
    backup: str = Field("latest", max_length=64, description="Number or `latest` of this volume, or an id of any other")


class CopyVolume(Incoming):
    other_names = {"to_app": "app", "to_volume": "volume"}  # noqa: RUF012 - a table

    app: str | None = Field(None, max_length=100, description="Id or slug; default the same app")
    volume: VolumeName = Field(description="Made where it is not there; what is in it is replaced")
    pause: bool = False


class RestoredView(Outgoing):
    success: bool = True
    message: str
    app_id: str
    volume: str
    entries: int
    content_bytes: int
    deployment_id: str | None = Field(description="The restart, where something live has the volume")


class BackupView(Outgoing):
    id: str
    app_id: str
    volume_id: str
    volume: str
    number: int
    cause: BackupCause
    actor: str | None
    status: BackupStatus
    reason: str | None
    target: str
    place: str | None = Field(description="Its name there; null once it was removed")
    encrypted: bool
    stored_bytes: int | None
    content_bytes: int | None
    entries: int | None
    digest: str | None
    verified_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class BackupList(Outgoing):
    backups: list[BackupView]
    total: int


class CreateTarget(Incoming):
    name: TargetName
    directory: str | None = Field(
        None, max_length=1000, examples=["/mnt/backups"], description="Of administrators alone"
    )
    bucket: S3Place | None = None
    secret_access_key: str | None = Field(None, min_length=1, max_length=500, repr=False)


class TargetView(Outgoing):
    id: str
    name: str
    kind: TargetKind
    place: str
    created_at: datetime


class TargetList(Outgoing):
    targets: list[TargetView]
    total: int


class TargetTest(Outgoing):
    success: bool
    message: str
