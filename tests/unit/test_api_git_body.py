"""Bodies of git's requests: chunked, gzip, and bombs."""

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest
from fastapi import Request

from slipyard.api.gitserver.request_body import decoded_body
from slipyard.domain.errors import TooLarge, UnsupportedMediaType, UserError


def request(body: bytes, encoding: str | None = None, size: int = 1000) -> Request:
    headers = [(b"content-encoding", encoding.encode())] if encoding else []
    chunks = [body[start : start + size] for start in range(0, len(body), size)] or [b""]

    async def receive() -> dict[str, object]:
        chunk = chunks.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def collect(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


async def measure(stream: AsyncIterator[bytes], sizes: list[int]) -> None:
    async for piece in stream:
        sizes.append(len(piece))  # noqa: PERF401 - what came before an error counts


async def test_a_small_body_that_unpacks_into_a_large_one_counts_as_large() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    pieces: list[int] = []

    with pytest.raises(TooLarge):
        await measure(decoded_body(request(bomb, "gzip"), 1_000_000), pieces)

    assert sum(pieces) <= 1_000_000
    assert len(bomb) < 100_000


async def test_a_plain_body_is_counted_too() -> None:
    with pytest.raises(TooLarge):
        await collect(decoded_body(request(bytes(2000)), 1999))


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b"x" * 1000)[:-12], zlib.compress(b"x")])
async def test_broken_gzip_is_the_senders_fault(body: bytes) -> None:
    with pytest.raises(UserError):
        await collect(decoded_body(request(body, "gzip"), 1000))


async def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(UnsupportedMediaType, match="br"):
        await collect(decoded_body(request(b"", "br"), 1000))


@pytest.mark.parametrize("encoding", [None, "identity", "gzip", "x-gzip"])
async def test_what_was_sent_arrives(encoding: str | None) -> None:
    text = bytes(range(256)) * 1000
    packed = gzip.compress(text) if encoding and "gzip" in encoding else text

    assert await collect(decoded_body(request(packed, encoding), len(text))) == text
