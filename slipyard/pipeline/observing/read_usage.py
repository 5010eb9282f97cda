"""One look at every container: from control groups, without a call to the engine, and from the engine where they are out of reach."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from slipyard.clients.container_engine import ContainerEngine
from slipyard.clients.control_groups import ControlGroups
from slipyard.domain.errors import SlipyardError
from slipyard.domain.usage import Reading

# Docker Engine 20.10 takes a second for each: with a thousand containers a pass takes two minutes, and steps are left out.
_CALLS_AT_ONCE = 8


@dataclass
class UsageReader:
    """Remembers which containers the kernel does not show, so that their place is looked for once."""

    groups: ControlGroups = field(default_factory=ControlGroups)
    _elsewhere: set[str] = field(default_factory=set)

    async def read(self, engine: ContainerEngine, container_ids: Collection[str]) -> dict[str, Reading]:
        """By container; those that do not run are left out."""
        self._elsewhere &= set(container_ids)
        found = await asyncio.to_thread(
            self._from_groups, [each for each in container_ids if each not in self._elsewhere]
        )
        left = [each for each in container_ids if each not in found]
        calls = asyncio.Semaphore(_CALLS_AT_ONCE)
        asked = await asyncio.gather(*(self._ask(engine, container_id, calls) for container_id in left))
        return found | {key: reading for key, reading in zip(left, asked, strict=True) if reading is not None}

    def _from_groups(self, container_ids: Iterable[str]) -> dict[str, Reading]:
        looks = ((container_id, self.groups.read(container_id)) for container_id in container_ids)
        return {container_id: reading for container_id, reading in looks if reading is not None}

    async def _ask(self, engine: ContainerEngine, container_id: str, calls: asyncio.Semaphore) -> Reading | None:
        async with calls:
            try:
                return await self._learnt(engine, container_id) or await engine.usage(container_id)
            except SlipyardError:
                return None  # it went, or the engine is away: a step without a value

    async def _learnt(self, engine: ContainerEngine, container_id: str) -> Reading | None:
        if container_id in self._elsewhere:
            return None
        state = await engine.container(container_id)
        if state is None or not state.running:
            return None
        pid = state.pid
        if pid is not None and await asyncio.to_thread(self.groups.learn, container_id, pid):
            return await asyncio.to_thread(self.groups.read, container_id)
        self._elsewhere.add(container_id)
        return None
