"""A body as it was sent, counted while it comes, so that nobody fills our memory."""

from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from slipyard.domain.errors import TooLarge, UserError


async def read_capped(request: Request, maximum: int) -> bytes:
    """`TooLarge` at the first byte above `maximum`, or at once where Content-Length says so."""
    return b"".join([part async for part in counted(request, maximum)])


async def counted(request: Request, maximum: int) -> AsyncIterator[bytes]:
    """The parts as they come; errors as `read_capped`, and `UserError` where the sender hangs up."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and announced.isascii() and int(announced[:20]) > maximum:
        raise _too_large(maximum)
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > maximum:
                raise _too_large(maximum)
            yield part
    except ClientDisconnect as error:
        raise UserError("The sender hung up before the body was whole. Send it again.") from error


def _too_large(maximum: int) -> TooLarge:
    return TooLarge(f"The body is larger than the {maximum // (1024 * 1024)} MiB that this address takes. Send less.")
