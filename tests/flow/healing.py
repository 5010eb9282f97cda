"""Healing goes on beside the passes: a test waits for what it brings about, however slow the machine is."""

import asyncio
from collections.abc import Callable

from tests.flow.system import System

_DEADLINE = 60


async def heard() -> None:
    """What the engine has reported is in the healer's hands."""
    for _ in range(20):
        await asyncio.sleep(0)


async def heal_until(system: System, condition: Callable[[], object], *passes: str) -> None:
    async with asyncio.timeout(_DEADLINE):
        while not condition():
            await heard()
            await system.control(*(passes or ("heal",)))
