"""Puts right on a running container what the engine can change there."""

from collections.abc import Sequence
from dataclasses import dataclass

from slipyard.clients.container_engine import ContainerEngine, ContainerSpec
from slipyard.domain.drift import Difference, Repair
from slipyard.domain.errors import UserError


@dataclass(frozen=True)
class Repairs:
    engine: ContainerEngine
    container_id: str
    spec: ContainerSpec
    keep: bool

    async def make(self, found: Sequence[Difference]) -> list[Difference]:
        """What is left: what no repair can change, and what the engine refused, such as a limit below what is in use."""
        left: list[Difference] = []
        for repair in Repair:
            concerned = [each for each in found if each.repair is repair]
            if concerned and not await self._done(repair):
                left += concerned
        return left

    async def _done(self, repair: Repair) -> bool:
        try:
            return await self._make(repair)
        except UserError:
            return False

    async def _make(self, repair: Repair) -> bool:
        match repair:
            case Repair.LIMIT:
                await self.engine.limit(self.container_id, self.spec)
            case Repair.RENAME:
                await self.engine.rename(self.container_id, self.spec.name)
            case Repair.CONNECT:
                await self.engine.connect(self.container_id, self.spec)
            case Repair.POLICY:
                await self.engine.keep_running(self.container_id, keep=self.keep)
            case Repair.REPLACE:
                return False
        return True
