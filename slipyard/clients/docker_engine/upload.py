"""Bytes that come on the event loop, read by a thread of the SDK as it sends them."""

import asyncio
import queue
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

_WAITING_PIECES = 16
_LOOK_SECONDS = 0.01


async def upload(content: AsyncIterator[bytes], send: Callable[[Iterator[bytes]], Awaitable[Any]]) -> None:
    """`send` gets an iterator for its thread. Raises what `content` raises, or what `send` does."""
    pieces: queue.Queue[bytes | None] = queue.Queue(_WAITING_PIECES)
    broken: list[BaseException] = []
    sending = asyncio.ensure_future(send(_taken(pieces, broken)))
    try:
        async for piece in content:
            await _put(pieces, piece, sending)
            if sending.done():
                break
        await _put(pieces, None, sending)
    except BaseException as error:
        broken.append(error)
        await _put(pieces, None, sending)
        with suppress(Exception):
            await sending
        raise
    await sending


def _taken(pieces: queue.Queue[bytes | None], broken: list[BaseException]) -> Iterator[bytes]:
    while (piece := pieces.get()) is not None:
        yield piece
    if broken:
        raise OSError("what was to be sent broke off")  # so that the engine unpacks nothing as if it were whole


async def _put(pieces: queue.Queue[bytes | None], piece: bytes | None, sending: "asyncio.Future[Any]") -> None:
    """Never waits for a thread that has ended."""
    while not sending.done():
        try:
            pieces.put_nowait(piece)
        except queue.Full:
            await asyncio.wait({sending}, timeout=_LOOK_SECONDS)
        else:
            return
