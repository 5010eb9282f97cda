"""Ourselves, called as others would: by the public URL, which the operator set and may well be inside a network."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from slipyard.domain.errors import Unavailable

_MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class OwnAnswer:
    status: int
    body: bytes


async def post_to_ourselves(url: str, headers: Mapping[str, str], content: bytes, seconds: float = 10.0) -> OwnAnswer:
    """One attempt; redirects are not followed, of the answer 64 KiB are read. `Unavailable` where nothing answers."""
    try:
        async with (
            httpx.AsyncClient(timeout=seconds, trust_env=False) as client,
            client.stream("POST", url, headers=dict(headers), content=content) as response,
        ):
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    break
            return OwnAnswer(response.status_code, bytes(body[:_MOST_BYTES]))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"{type(error).__name__}: {error}".rstrip(": ")) from error
