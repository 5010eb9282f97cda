"""Uvicorn, without its ten looks a second at whether it should end: a fifth of what an idle Slipyard costs."""

import asyncio
import contextlib
from types import FrameType

import uvicorn

_DATE_SECONDS = 1.0  # how old the Date header of an answer may be


class QuietServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """`on_tick(0)` renews the header, and is true once the server should end."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), _DATE_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._told.set)
