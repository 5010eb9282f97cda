"""A process of Slipyard that is killed, or stands still, at its nth step: each call of a part of its context is one."""

import asyncio
import inspect
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from slipyard.deployer.docker import DockerDriver
from slipyard.pipeline.context import Context
from slipyard.store.claims import Holder
from tests.flow.deaths import GONE, Killed

_PARTS = ("clock", "database", "queue", "engine", "router", "registry")


class Fate(StrEnum):
    KILLED_BEFORE = "killed before its step takes effect"
    KILLED_AFTER = "killed after its step took effect"
    FROZEN = "frozen before its step"


@dataclass
class Steps:
    fate: Fate
    left: int
    dead: bool = False
    moving: asyncio.Event = field(default_factory=asyncio.Event)
    frozen: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.moving.set()

    async def take(self, call: Any, *arguments: Any, **options: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            return await self._meet_fate(call, *arguments, **options)
        await self.moving.wait()
        if self.dead:
            raise Killed
        return await call(*arguments, **options)

    async def _meet_fate(self, call: Any, *arguments: Any, **options: Any) -> Any:
        if self.fate is Fate.FROZEN:
            self.moving.clear()
            self.frozen.set()
            await self.moving.wait()
            return await call(*arguments, **options)
        if self.fate is Fate.KILLED_AFTER:
            await call(*arguments, **options)
        self.dead = True
        raise Killed


class Watched:
    """Stands before a part of a context. What needs no waiting is no step."""

    def __init__(self, inner: Any, steps: Steps) -> None:
        self._inner, self._steps = inner, steps

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(value):
            return value
        return lambda *arguments, **options: self._steps.take(value, *arguments, **options)


def mortal(context: Context, steps: Steps, probe: Any) -> Context:
    """Of a process that is gone after its fate, or of one on another machine, which nobody here can look at."""
    parts: dict[str, Any] = {name: Watched(getattr(context, name), steps) for name in _PARTS}
    driver = DockerDriver(parts["engine"], context.installation_id, parts["clock"], probe)
    host = "elsewhere" if steps.fate is Fate.FROZEN else context.holder.host
    return replace(context, holder=Holder(host, GONE, "0"), driver=driver, **parts)
