"""The progress of a build, written to its log while it happens, without a write for each line."""

import asyncio
from dataclasses import replace
from types import TracebackType
from typing import Self

from slipyard.builder.image_build import Progress
from slipyard.builder.progress_log import ProgressLog
from slipyard.pipeline.trace import Trace

_GATHER_SECONDS = 0.05


class BuildLog:
    """`take` may be called as often as the builder likes: lines are gathered and written together."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._render = ProgressLog()
        self._lines: list[str] = []
        self._waiting = asyncio.Event()
        self._before = self._highest = 0

    def take(self, progress: Progress) -> None:
        """Steps of a further image are numbered behind those of the one before."""
        number = progress.number + self._before
        self._highest = max(self._highest, number)
        self._lines.extend(self._render.lines(replace(progress, number=number)))
        self._waiting.set()

    def begin_another(self, sentence: str) -> None:
        self._before = self._highest
        self._lines.append(sentence)
        self._waiting.set()

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.cancel()
        await asyncio.wait({self._writer})
        self._lines.extend(self._render.rest())
        await self._flush()

    async def _write(self) -> None:
        while True:
            await self._waiting.wait()
            await self._flush()
            await asyncio.sleep(_GATHER_SECONDS)

    async def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self._waiting.clear()
        if lines:
            await asyncio.shield(self._trace.write(lines))
