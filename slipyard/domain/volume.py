"""Volumes: data that outlives the containers of an app."""

import posixpath
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

from slipyard.domain.values import Value

MOST_VOLUMES = 50  # of one app
EXCLUSIVE_BEFOREHAND = (
    "It has a volume that only one instance may have at a time, so the old instance ends before the new one starts:"
    " requests wait up to 30 s, then get a 503."
)
_OF_THE_SYSTEM = ("/proc", "/sys", "/dev")


def _mount_path(path: str) -> str:
    plain = posixpath.normpath(path)
    if plain.startswith("//") or ".." in path.split("/") or plain == "/":
        raise ValueError("is an absolute path below / without `..`, for example /data")
    if any(plain == each or plain.startswith(f"{each}/") for each in _OF_THE_SYSTEM):
        raise ValueError(f"lies in {plain[:5].rstrip('/')}, which belongs to the system; choose another one")
    return plain


VolumeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", examples=["data"])]
MountPath = Annotated[str, Field(pattern=r"^/[^\x00]*$", max_length=1000), AfterValidator(_mount_path)]


class Mount(Value):
    """Where a service finds a volume of its app."""

    volume: VolumeName = Field(description="Its name")
    path: MountPath
    read_only: bool = False


class VolumeConfig(Value):
    """What a volume is told to be. A release names volumes, and never their contents: going back keeps the data."""

    name: VolumeName
    size_bytes: int | None = Field(None, gt=0, description="None: as much as the disk has")
    exclusive: bool = Field(default=True, description="One instance at a time: it is rolled out by recreate")


class Attachment(Value):
    """A mount that the app was told, beside those of its repository."""

    service: str | None = Field(None, max_length=63, description="None: the one that requests go to")
    path: MountPath
    read_only: bool = False


def mounted_in(attachments: Iterable[tuple[str, Attachment]], service: str, *, is_main: bool) -> tuple[Mount, ...]:
    """What a service gets of attachments, each with the name of its volume."""
    return tuple(
        Mount(volume=name, path=each.path, read_only=each.read_only)
        for name, each in attachments
        if each.service == service or (each.service is None and is_main)
    )
