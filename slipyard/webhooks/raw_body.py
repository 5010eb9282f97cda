"""A body as it was sent, counted while it comes, so that nobody fills our memory."""

from fastapi import Request

from slipyard.domain.errors import TooLarge


async def read_capped(request: Request, maximum: int) -> bytes:
    """`TooLarge` at the first byte above `maximum`, or at once where Content-Length says so."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > maximum:
        raise _too_large(maximum)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > maximum:
            raise _too_large(maximum)
        parts.append(part)
    return b"".join(parts)


def _too_large(maximum: int) -> TooLarge:
    return TooLarge(f"The body is larger than the {maximum // (1024 * 1024)} MiB that this address takes. Send less.")
