"""Volumes in memory: what is copied into one through a door can be copied out of it again."""

import io
import tarfile
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from hashlib import sha256
from itertools import count

from slipyard.clients.container_commands_fake import FakeCommands
from slipyard.clients.container_engine import VOLUME_PATH, VolumeSpec
from slipyard.clients.simulated_container import SimulatedContainer
from slipyard.domain.errors import Conflict, NotFound


class FakeVolumes(FakeCommands):
    """`volume_files` is what lies in each, by path; `sizes_volumes` says whether this engine can hold one to its size."""

    def __init__(self) -> None:
        super().__init__()
        self.volume_files: dict[str, dict[str, bytes]] = {}
        self.sizes_volumes = False
        self._volumes: dict[str, VolumeSpec] = {}
        self._doors: dict[str, str] = {}  # the volume behind each
        self._door_numbers = count(1)

    async def create_volume(self, spec: VolumeSpec) -> bool:
        await self._called("create_volume")
        there = self._volumes.setdefault(spec.name, spec)
        if dict(there.labels) != dict(spec.labels):
            raise Conflict(f"A volume {spec.name} is already there with other labels. Rename it.")
        self.volume_files.setdefault(spec.name, {})
        return self.sizes_volumes and spec.size_bytes is not None

    async def volume(self, name: str) -> VolumeSpec | None:
        await self._called("volume")
        return self._volumes.get(name)

    async def volumes(self, labels: Mapping[str, str]) -> Sequence[VolumeSpec]:
        await self._called("volumes")
        return [each for each in self._volumes.values() if labels.items() <= each.labels.items()]

    async def volume_bytes(self, name: str) -> int | None:
        await self._called("volume_bytes")
        self._required_volume(name)
        return sum(map(len, self.volume_files[name].values()))

    async def remove_volume(self, name: str) -> None:
        await self._called("remove_volume")
        if name in self._doors.values() or any(name in held for held in self._held_volumes()):
            raise Conflict(f"The volume {name} is in use by a container. Remove that first.")
        self._volumes.pop(name, None)
        self.volume_files.pop(name, None)

    async def open_volume(self, name: str, door: str, labels: Mapping[str, str]) -> str:  # noqa: ARG002
        await self._called("open_volume")
        self._required_volume(name)
        container_id = sha256(f"door {next(self._door_numbers)}".encode()).hexdigest()
        self._doors[container_id] = name
        return container_id

    async def remove(self, container_id: str) -> None:
        if self._doors.pop(container_id, None) is None:
            await self._remove_container(container_id)

    async def copy_out(self, container_id: str, path: str) -> AsyncGenerator[bytes, None]:
        if container_id not in self._doors:
            async for piece in super().copy_out(container_id, path):
                yield piece
            return
        await self._called("copy_out")
        yield _tar(self.volume_files[self._doors[container_id]])

    async def copy_in(self, container_id: str, path: str, content: AsyncIterator[bytes]) -> None:
        if container_id not in self._doors:
            await super().copy_in(container_id, path, content)
            return
        await self._called("copy_in")
        whole = b"".join([piece async for piece in content])
        files = self.volume_files[self._doors[container_id]]
        with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None:
                    files[f"{path}/{member.name}".removeprefix(VOLUME_PATH).replace("/./", "/").lstrip("/")] = (
                        file.read()
                    )

    def _required_volume(self, name: str) -> VolumeSpec:
        if name not in self._volumes:
            raise NotFound(f"The container engine has no volume {name}. Restore it from a backup.")
        return self._volumes[name]

    @abstractmethod
    async def _remove_container(self, container_id: str) -> None: ...

    @abstractmethod
    def _held_volumes(self) -> Sequence[Sequence[str]]: ...

    @abstractmethod
    def _known(self, name_or_id: str) -> SimulatedContainer: ...


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        root = tarfile.TarInfo("./")
        root.type, root.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(root)
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"./{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
