"""The body of a request of git: chunked or not, gzip or not, decoded in small pieces and counted."""

import zlib
from collections.abc import AsyncIterator, Iterator

from fastapi import Request

from slipyard.domain.errors import TooLarge, UnsupportedMediaType, UserError

_PIECE = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS


async def decoded_body(request: Request, maximum: int) -> AsyncIterator[bytes]:
    """`TooLarge` above `maximum` bytes after decoding: a small body that unpacks into a large one counts as large."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"gzip", "x-gzip", "identity"}:
        raise UnsupportedMediaType(f"Content-Encoding {encoding!r} is not understood; git sends gzip or nothing.")
    decoder = None if encoding == "identity" else zlib.decompressobj(_GZIP)
    size = 0
    async for chunk in request.stream():
        for piece in _pieces(decoder, chunk):
            size += len(piece)
            if size > maximum:
                raise TooLarge(
                    f"This is more than the {maximum // (1024 * 1024)} MiB that one request of git may have."
                )
            yield piece
    if decoder is not None and not decoder.eof:
        raise UserError("The gzip body of this request ends too early. Send it again.")


def _pieces(decoder: "zlib._Decompress | None", chunk: bytes) -> Iterator[bytes]:
    if decoder is None:
        if chunk:
            yield chunk
        return
    try:
        while chunk and not decoder.eof:
            piece = decoder.decompress(chunk, _PIECE)
            chunk = decoder.unconsumed_tail
            if piece:
                yield piece
    except zlib.error as error:
        raise UserError("The body of this request is not valid gzip. Send it again.") from error
