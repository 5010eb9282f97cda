"""Backups of volumes: where they go, how often, and which of them stay."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from slipyard.domain.cron import CronText, ZoneName
from slipyard.domain.health import Command
from slipyard.domain.values import Value

HERE = "here"  # the target that every installation has: a directory of its own


class BackupStatus(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class BackupCause(StrEnum):
    SCHEDULE = "schedule"
    ASKED = "asked"  # `slipyard volumes backup`


OPEN_BACKUP = (BackupStatus.WAITING, BackupStatus.RUNNING)


class TargetKind(StrEnum):
    DIRECTORY = "directory"
    S3 = "s3"


class S3Place(Value):
    """A bucket. Path style (`<endpoint>/<bucket>/<key>`), as every server of the protocol takes it."""

    endpoint: str = Field(
        pattern=r"^https?://[^/?#@\s]+$", max_length=300, examples=["https://s3.eu-central-1.amazonaws.com"]
    )
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    region: str = Field("us-east-1", pattern=r"^[a-z0-9-]{1,50}$")
    prefix: str = Field(
        "", max_length=300, pattern=r"^([A-Za-z0-9._-]+/)*$", description="Ends in / where there is one"
    )
    access_key_id: str = Field(min_length=1, max_length=200)


Kept = Annotated[int, Field(ge=0, le=1000)]


class KeepRules(Value):
    """How many stay: the newest, and the newest of so many days, weeks (ISO), months. What no rule names goes."""

    last: Kept = 3
    daily: Kept = 7
    weekly: Kept = 4
    monthly: Kept = 0


class BackupRules(Value):
    """How a volume is backed up by itself."""

    cron: CronText | None = Field(None, description="None: only when somebody asks")
    time_zone: ZoneName = "UTC"
    target: str = Field(HERE, max_length=100, description="Name of a target")
    keep: KeepRules = KeepRules()
    encrypt: bool = True
    verify: bool = Field(default=True, description="Restored into a scratch volume and compared, each time")
    pause: bool = Field(default=False, description="The app stands still while its files are read")
    before: Command | None = Field(None, description="Runs in an instance first; where it fails there is no backup")
    after: Command | None = Field(None, description="Runs in that instance afterwards, however it went")


def kept_of(times: Iterable[tuple[str, datetime]], rules: KeepRules) -> set[str]:
    """The ids that stay, of successful backups with the times at which they began."""
    newest = sorted(times, key=lambda each: (each[1], each[0]), reverse=True)
    kept = {name for name, _ in newest[: rules.last]}
    for most, period in ((rules.daily, _day), (rules.weekly, _week), (rules.monthly, _month)):
        first: dict[str, str] = {}
        for name, at in newest:
            first.setdefault(period(at), name)
        kept.update(list(first.values())[:most])
    return kept


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _week(at: datetime) -> str:
    return f"{at:%G-%V}"


def _month(at: datetime) -> str:
    return f"{at:%Y-%m}"
