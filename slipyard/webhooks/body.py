"""A body as it was sent, counted while it comes, so that nobody fills our memory or holds a place for long."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from slipyard.domain.errors import UserError
from slipyard.webhooks.raw_body import counted

SMALL = 128 * 1024  # bytes: verified and read on the event loop in under 2 ms; more is left to a process of its own
HANG_UP = (
    "slipyard.hang_up"  # in the scope: the rest of the body would come for ever, so the answer ends the connection
)
_SECONDS = 30.0  # providers give up after 5 to 10


class TooSlow(UserError):
    code = "timeout"
    status = 408


@dataclass(frozen=True)
class Spooled:
    """A large body in an anonymous file in memory, which a child process reads by its descriptor without a copy."""

    descriptor: int


Body = bytes | Spooled


@asynccontextmanager
async def received_body(
    request: Request, maximum: int, place: Callable[[], AbstractAsyncContextManager[None]]
) -> AsyncIterator[Body]:
    """A body above `SMALL` waits for a `place`, and meanwhile nothing more of it is read: the sender waits too.

    `TooLarge` at the first byte above `maximum` (at once where Content-Length says so), `TooSlow` after 30 seconds.
    """
    parts = counted(request, maximum)
    async with _deadline(request):
        beginning = await _beginning(parts)
    if len(beginning) <= SMALL:
        yield beginning
        return
    async with place():
        descriptor = os.memfd_create("slipyard-delivery")
        try:
            async with _deadline(request):
                await _spool(descriptor, beginning, parts)
            yield Spooled(descriptor)
        finally:
            os.close(descriptor)


async def _beginning(parts: AsyncIterator[bytes]) -> bytes:
    """All of a small body; of a large one, what came until it was known to be large."""
    found = bytearray()
    async for part in parts:
        found += part
        if len(found) > SMALL:
            break
    return bytes(found)


async def _spool(descriptor: int, beginning: bytes, parts: AsyncIterator[bytes]) -> None:
    _write(descriptor, beginning)
    async for part in parts:
        _write(descriptor, part)


def _write(descriptor: int, part: bytes) -> None:
    view = memoryview(part)
    while view:
        view = view[os.write(descriptor, view) :]


@asynccontextmanager
async def _deadline(request: Request) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_SECONDS):
            yield
    except TimeoutError as error:
        request.scope[HANG_UP] = True
        raise TooSlow(f"The body did not come within {_SECONDS:.0f} seconds. Send it again.") from error
