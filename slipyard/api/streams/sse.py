"""Server-sent events: the wire format is FastAPI's, the keep-alive ours, because our streams are made of bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import Request
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from slipyard.domain.errors import UserError

_KEEPALIVE_SECONDS = 15.0
_NOT_BUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def wants_events(request: Request) -> bool:
    return "text/event-stream" in request.headers.get("accept", "")


def event(data: str, *, kind: str | None = None, identity: str | None = None) -> bytes:
    return format_sse_event(data_str=data, event=kind, id=identity)


def event_stream(source: AsyncIterator[bytes]) -> EventSourceResponse:
    return EventSourceResponse(kept_alive(source), headers=_NOT_BUFFERED)


def resume_at(request: Request, offset: int) -> int:
    """The byte after the last one that the client has: `Last-Event-ID` wins over `?offset`."""
    last = request.headers.get("last-event-id")
    if last is None:
        return offset
    if not last.isdecimal() or len(last) > 18:  # noqa: PLR2004 - more than any file has
        raise UserError("Last-Event-ID is the id of an event of this stream, a number; leave it out to begin anew.")
    return int(last)


async def kept_alive(source: AsyncIterator[bytes], comment: bytes = KEEPALIVE_COMMENT) -> AsyncIterator[bytes]:
    """Comments while nothing happens, so that proxies keep the connection."""
    upcoming = asyncio.ensure_future(_next(source))
    try:
        while True:
            done, _ = await asyncio.wait({upcoming}, timeout=_KEEPALIVE_SECONDS)
            if not done:
                yield comment
                continue
            chunk = upcoming.result()
            if chunk is None:
                return
            upcoming = asyncio.ensure_future(_next(source))
            yield chunk
    finally:
        upcoming.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await upcoming


async def _next(source: AsyncIterator[bytes]) -> bytes | None:
    return await anext(source, None)
