"""Commands that run for callers of this process: their output as JSON lines, their input by calls beside it.

Input comes in calls of its own, since nothing between a browser and us passes a body and an answer at the same time.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from slipyard.clients.container_commands import Output
from slipyard.domain.errors import Conflict, NotFound, SlipyardError
from slipyard.pipeline.commands.run_command import Run

MEDIA_TYPE = "application/x-ndjson"
KEEPALIVE = b'{"event": "keepalive"}\n'
_TERM_SECONDS = 5.0


@dataclass
class CommandSession:
    run: Run
    app_id: str
    principal: str
    taken: int = 0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def feed(self, offset: int | None, data: bytes, *, end: bool) -> int:
        """Each byte once, however often a piece is sent. `Conflict` where some are missing in between."""
        async with self._turn:
            begin = self.taken if offset is None else offset
            if begin > self.taken:
                raise Conflict(f"Input from byte {self.taken} on is missing. Send that first.")
            fresh = data[self.taken - begin :]
            if fresh:
                await self.run.command.stream.write(fresh)
                self.taken += len(fresh)
            if end:
                await self.run.command.stream.end_input()
            return self.taken


class CommandSessions:
    """Those of this process. A session belongs to who began it."""

    def __init__(self) -> None:
        self._open: dict[str, CommandSession] = {}

    def add(self, session: CommandSession) -> None:
        self._open[session.run.id] = session

    def remove(self, session: CommandSession) -> None:
        self._open.pop(session.run.id, None)

    def find(self, session_id: str, app_id: str, principal: str) -> CommandSession:
        found = self._open.get(session_id)
        if found is None or (found.app_id, found.principal) != (app_id, principal):
            raise NotFound(f"No command {session_id} of yours runs here. It may have ended; run it again.")
        return found


class CommandAnswer(StreamingResponse):
    """Closes `held` when it is over, also where nobody ever read it."""

    def __init__(self, content: AsyncIterator[bytes], held: AsyncExitStack) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(content, media_type=MEDIA_TYPE, headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._held.aclose()


async def command_lines(run: Run, seconds: float | None) -> AsyncIterator[bytes]:
    """What happens, a JSON object a line; the last one has the exit code, or says why there is none."""
    yield line(event="started", session=run.id, place=run.place)
    ending = asyncio.create_task(_end_after(run, seconds)) if seconds is not None else None
    try:
        async for piece in run.command.stream.output():
            yield line(event="output", stream=piece.stream, **_content(piece))
        run.code = await run.command.code()
        yield line(event="ended", exit_code=run.code)
    except SlipyardError as error:
        yield line(event="failed", message=error.message)
    finally:
        if ending is not None:
            ending.cancel()


def line(**fields: Any) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


async def _end_after(run: Run, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await run.command.signal("TERM")
    await asyncio.sleep(_TERM_SECONDS)
    await run.command.signal("KILL")


def _content(piece: Output) -> dict[str, str]:
    """A piece may end within a character: then it is no text."""
    try:
        return {"text": piece.data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(piece.data).decode()}
