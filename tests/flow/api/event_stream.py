"""Reading server-sent events as a client does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class Sent:
    kind: str
    data: str
    identity: str


async def events(client: httpx.AsyncClient, path: str, last: str | None = None, most: int | None = None) -> list[Sent]:
    """Until the stream ends, or `most` events came: then the connection is cut."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    found: list[Sent] = []
    async with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        async for sent in _parsed(answer.aiter_lines()):
            found.append(sent)
            if most is not None and len(found) >= most:
                break
    return found


async def _parsed(lines: AsyncIterator[str]) -> AsyncIterator[Sent]:
    fields: dict[str, list[str]] = {}
    async for line in lines:
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields.setdefault(name.removesuffix(":"), []).append(value)
        elif fields:
            kind = fields.get("event", ["message"])[0]
            yield Sent(kind, "\n".join(fields.get("data", [])), fields.get("id", [""])[0])
            fields = {}
