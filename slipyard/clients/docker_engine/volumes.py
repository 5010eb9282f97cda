"""Volumes of the engine's local driver, and doors to them: containers that never run, through which files are copied."""

import asyncio
import io
import os
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slipyard.clients.container_engine import VOLUME_PATH, VolumeSpec
from slipyard.clients.docker_engine.connection import Connection
from slipyard.clients.docker_engine.labels import label_filter
from slipyard.clients.docker_engine.references import split_tag
from slipyard.domain.errors import Conflict, NotFound, SystemFault, UserError

_NOTHING_RUNS = ["/nothing"]  # the engine wants a command, also of what never starts
_BLOCK = 512


class Volumes:
    _connection: Connection

    async def create_volume(self, spec: VolumeSpec) -> bool:
        """Only some file systems hold a volume to its size: the engine says so when it is asked for one."""
        there = await self.volume(spec.name)
        if there is not None:
            self._require_same(there, spec)
            return await self._is_sized(spec.name)
        if spec.size_bytes is not None:
            try:
                await self._make(spec, {"size": str(spec.size_bytes)})
            except (SystemFault, UserError) as error:
                if "quota" not in error.message:
                    raise
            else:
                return True
        await self._make(spec, {})
        return False

    async def volume(self, name: str) -> VolumeSpec | None:
        try:
            row = await self._connection.call(f"look at the volume {name}", lambda api: api.inspect_volume(name))
        except NotFound:
            return None
        return _spec(row)

    async def volumes(self, labels: Mapping[str, str]) -> Sequence[VolumeSpec]:
        filters = {"label": label_filter(labels)}
        found = await self._connection.call("list volumes", lambda api: api.volumes(filters=filters))
        return [_spec(row) for row in found["Volumes"] or ()]

    async def volume_bytes(self, name: str) -> int | None:
        row = await self._connection.call(f"look at the volume {name}", lambda api: api.inspect_volume(name))
        return await asyncio.to_thread(_bytes_below, Path(row["Mountpoint"]))

    async def remove_volume(self, name: str) -> None:
        what = f"remove the volume {name}"
        try:
            await self._connection.call(what, lambda api: api.remove_volume(name), patient=True)
        except NotFound:
            return

    async def open_volume(self, name: str, door: str, labels: Mapping[str, str]) -> str:
        if await self.volume(name) is None:  # else the engine would make an empty one
            raise NotFound(f"The container engine has no volume {name}. Somebody removed it; restore it from a backup.")
        what = f"open the volume {name}"
        body = _door(name, door, labels)
        try:
            made = await self._connection.call(what, lambda api: api.create_container_from_config(body))
        except NotFound:
            await self._connection.call(what, lambda api: _make_door(api, door, labels))
            made = await self._connection.call(what, lambda api: api.create_container_from_config(body))
        return str(made["Id"])

    async def _make(self, spec: VolumeSpec, options: Mapping[str, str]) -> None:
        await self._connection.call(
            f"make the volume {spec.name}",
            lambda api: api.create_volume(spec.name, driver_opts=dict(options), labels=dict(spec.labels)),
        )

    async def _is_sized(self, name: str) -> bool:
        row = await self._connection.call(f"look at the volume {name}", lambda api: api.inspect_volume(name))
        return "size" in (row.get("Options") or {})

    def _require_same(self, there: VolumeSpec, spec: VolumeSpec) -> None:
        if dict(there.labels) != dict(spec.labels):
            raise Conflict(
                f"A volume {spec.name} is already there with other labels, so it is not Slipyard's. Rename it, or remove"
                " it from the engine."
            )


def _spec(row: Mapping[str, Any]) -> VolumeSpec:
    return VolumeSpec(row["Name"], row["Labels"] or {})


def _door(name: str, door: str, labels: Mapping[str, str]) -> dict[str, Any]:
    mount = {"Type": "volume", "Source": name, "Target": VOLUME_PATH, "VolumeOptions": {"NoCopy": True}}
    return {
        "Image": door,
        "Cmd": _NOTHING_RUNS,
        "Labels": dict(labels),
        "HostConfig": {"NetworkMode": "none", "Mounts": [mount]},
    }


def _make_door(api: Any, door: str, labels: Mapping[str, str]) -> None:
    repository, tag = split_tag(door)
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    changes = [f'LABEL "{name}"="{value}"' for name, value in sorted(labels.items())]
    api.import_image_from_data(empty.getvalue(), repository=repository, tag=tag, changes=changes)


def _bytes_below(path: Path) -> int | None:
    """None where the engine's disk is not here, or not ours to read."""
    if not os.access(path, os.R_OK | os.X_OK):
        return None
    inodes: dict[tuple[int, int], int] = {}
    for directory, names, files in os.walk(path):
        for name in (*names, *files):
            try:
                found = (Path(directory) / name).lstat()
            except OSError:  # gone meanwhile
                continue
            inodes[found.st_dev, found.st_ino] = found.st_blocks * _BLOCK
    return sum(inodes.values())
