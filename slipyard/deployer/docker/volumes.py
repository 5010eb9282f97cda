"""Volumes of apps in one Docker Engine, each under a name made of ids, so that nothing of two apps can meet."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from slipyard.clients.container_engine import VOLUME_PATH, ContainerEngine, VolumeSpec
from slipyard.deployer.docker import names
from slipyard.deployer.driver import EngineVolume, InstanceSpec
from slipyard.domain.errors import RolloutFailed


class Volumes:
    """What a `DockerDriver` does for them."""

    _engine: ContainerEngine
    _installation_id: str

    async def make_volume(self, volume: EngineVolume, size_bytes: int | None) -> bool:
        labels = names.volume_labels(self._installation_id, volume)
        return await self._engine.create_volume(VolumeSpec(self._name(volume), labels, size_bytes))

    async def remove_volume(self, volume: EngineVolume) -> None:
        await self._engine.remove_volume(self._name(volume))

    async def volume_bytes(self, volume: EngineVolume) -> int | None:
        return await self._engine.volume_bytes(self._name(volume))

    async def volumes(self) -> Sequence[EngineVolume]:
        found = await self._engine.volumes({names.INSTALLATION: self._installation_id})
        return [each for each in map(self._volume_of, found) if each is not None]

    async def read_volume(self, volume: EngineVolume, reader: str) -> AsyncGenerator[bytes, None]:
        async with self._door(volume, reader) as door:
            content: Any = self._engine.copy_out(door, f"{VOLUME_PATH}/.")
            async with aclosing(content):
                async for piece in content:
                    yield piece

    async def write_volume(self, volume: EngineVolume, writer: str, content: AsyncIterator[bytes]) -> None:
        async with self._door(volume, writer) as door:
            await self._engine.copy_in(door, VOLUME_PATH, content)

    async def doors(self) -> Mapping[str, str]:
        states = await self._engine.containers({names.INSTALLATION: self._installation_id})
        return {each.container_id: each.labels[names.DOOR] for each in states if names.DOOR in each.labels}

    async def close_door(self, door: str) -> None:
        await self._engine.remove(door)

    async def require_volumes(self, spec: InstanceSpec) -> None:
        """Where one is gone the engine would make an empty one, and nobody would know that the data is lost."""
        for mount in spec.volumes:
            if await self._engine.volume(self._name(mount.volume)) is None:
                raise RolloutFailed(
                    f"The volume {mount.name} is not in the container engine any more: somebody removed it there, and its"
                    " data with it. Restore it from a backup (`slipyard volumes restore`), or remove it and create it anew."
                )

    @asynccontextmanager
    async def _door(self, volume: EngineVolume, who: str) -> AsyncIterator[str]:
        labels = names.door_labels(self._installation_id, who)
        door = await self._engine.open_volume(self._name(volume), names.door_image(self._installation_id), labels)
        try:
            yield door
        finally:
            await asyncio.shield(self._engine.remove(door))

    def _name(self, volume: EngineVolume) -> str:
        return names.volume_name(self._installation_id, volume)

    def _volume_of(self, spec: VolumeSpec) -> EngineVolume | None:
        """None for one that has our label and not our name."""
        volume_id, generation = spec.labels.get(names.VOLUME), spec.name.rpartition("-")[2]
        if volume_id is None or not generation.isdecimal():
            return None
        volume = EngineVolume(volume_id, int(generation))
        return volume if self._name(volume) == spec.name else None
