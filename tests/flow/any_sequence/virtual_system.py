"""A whole system on fakes, on virtual time and on one thread."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from slipyard.builder.image_builder_fake import FakeImageBuilder
from slipyard.clients.container_engine_fake import FakeContainerEngine
from slipyard.controller.loops import LOOPS, Pass
from slipyard.deployer.docker import DockerDriver
from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.context import Context
from slipyard.store.database import Database
from tests.flow.any_sequence.virtual_loop import LoopClock, VirtualLoop
from tests.flow.system import System

T = TypeVar("T")
LONGEST_SECONDS = 3000.0  # nothing that anybody waits for takes as long


class VirtualSystem(System):
    """`run` is the only way in which time passes."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.set(keep_paused_seconds=60, drain_seconds=2, lease_seconds=5)
        self.loop = VirtualLoop()
        self.time = LoopClock(self.loop)
        self.engine = FakeContainerEngine(self.time)
        self.builder = FakeImageBuilder(self.engine)
        self.database = Database(self.installation.database.url, inline=True)
        self.context = self.new_context()
        self.new_leader(self.context)

    def new_context(self) -> Context:
        made = super().new_context()
        if not hasattr(self, "database"):  # while the system that this one is made of comes into being
            return made
        driver = DockerDriver(self.engine, made.installation_id, self.time, self.engine.probe)
        return replace(made, clock=self.time, database=self.database, driver=driver)

    def new_leader(self, context: Context) -> None:
        """It begins with an empty memory."""
        self._passes: dict[str, Pass] = {loop.name: loop.start(context) for loop in LOOPS}

    async def control(self, *names: str) -> None:
        """A pass that fails is logged, and comes again, as the leader does it."""
        for name in names:
            with suppress(SlipyardError):
                await self._passes[name]()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, LONGEST_SECONDS))

    def close(self) -> None:
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.wait(left))
        self.loop.close()
        self.database.dispose()
        self.installation.close()
