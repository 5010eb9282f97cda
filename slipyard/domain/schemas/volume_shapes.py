"""Volumes: what is asked and what is answered."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from slipyard.domain.backup import BackupRules
from slipyard.domain.byte_size import bytes_in
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing
from slipyard.domain.volume import MountPath, VolumeName

Size = Annotated[
    int,
    BeforeValidator(bytes_in),
    Field(ge=1024 * 1024, le=2**50, description="Bytes, or as in 10Gi, 500M", examples=["10Gi"]),
]
ServiceName = Annotated[str, Field(min_length=1, max_length=63)]


class CreateVolume(Incoming):
    other_names = {"mount_path": "path", "mountpoint": "path", "size_bytes": "size"}  # noqa: RUF012 - a table

    name: VolumeName
    path: MountPath | None = Field(None, description="Where it is mounted; without it, it is made and attached later")
    size: Size | None = Field(None, description="Enforced where the file system can; else measured, and you are told")
    service: ServiceName | None = Field(None, description="Default: the one that requests go to")
    read_only: bool = False
    exclusive: bool = Field(True, description="One instance at a time, so that it is rolled out by recreate")
    adopt: str | None = Field(None, max_length=40, description="Id of a volume that a deleted app left behind")


class ChangeVolume(Incoming):
    size: Size | None = Field(None, description="null: none")
    exclusive: bool | None = None


class AttachVolume(Incoming):
    other_names = {"mount_path": "path"}  # noqa: RUF012 - a table

    path: MountPath
    service: ServiceName | None = None
    read_only: bool = False


class DetachVolume(Incoming):
    path: MountPath | None = Field(None, description="Default: wherever it is attached")


class AttachmentView(Outgoing):
    service: str | None
    path: str
    read_only: bool


class VolumeView(Outgoing):
    id: str
    app_id: str
    app: str
    name: str
    size_bytes: int | None
    size_enforced: bool = Field(description="The engine refuses more; else it is only measured")
    exclusive: bool
    used_bytes: int | None
    measured_at: datetime | None
    attachments: list[AttachmentView] = Field(description="What the app was told; the repository may mount it too")
    live: list[AttachmentView] = Field(description="Where the release that is live has it")
    left_behind: bool = Field(description="Its app is deleted")
    rules: BackupRules = Field(description="How it is backed up")
    next_backup_at: datetime | None
    last_backup_at: datetime | None = Field(description="Of the last one that succeeded")
    created_at: datetime


class VolumeList(Outgoing):
    volumes: list[VolumeView]
    total: int
