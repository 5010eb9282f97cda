"""Pushes as GitHub sends them, signed and framed beforehand, so that a client spends its time on the socket alone."""

import asyncio
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from tests.data.github.examples import EXAMPLES


@dataclass(frozen=True)
class Message:
    """A whole HTTP request; `commit` is the new head that it tells of."""

    commit: str
    request: bytes


def push(path: str, secret: bytes, *, filler: int = 0, branch: str = "main", before: str = "") -> Message:
    """Of about 8 KB and the filler, which lies in the commits as it does in real large pushes. Without `before`, of a
    branch that stood at a commit that nobody has heard of."""
    payload: dict[str, Any] = next(p for event, p in EXAMPLES if event == "push" and p["ref"] == "refs/heads/master")
    commit = secrets.token_hex(20)
    head = payload["commits"][0] | {"id": commit}
    commits = [head | {"added": [f"src/{'x' * 60}/{number}.py" for number in range(2000)]}] * (filler // 158_000)
    changed = {
        "ref": f"refs/heads/{branch}",
        "before": before or secrets.token_hex(20),
        "after": commit,
        "head_commit": head,
    }
    body = json.dumps(payload | changed | {"commits": [*commits, head]}).encode()
    headers = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": secrets.token_hex(16),
        "X-Hub-Signature-256": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}",
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return Message(commit, "\r\n".join(lines).encode() + body)


def pushes(path: str, secret: bytes, count: int, *, branch: str = "main") -> list[Message]:
    """Each begins where the one before it ended, as somebody's who works on a branch."""
    found = [push(path, secret, branch=branch)]
    while len(found) < count:
        found.append(push(path, secret, branch=branch, before=found[-1].commit))
    return found


class Connection:
    """Keep-alive, one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, message: Message) -> int:
        """The status. `OSError` or `EOFError` where the server went away."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            return await self._exchange(self._reader, self._writer, message)
        except (OSError, EOFError, asyncio.CancelledError):
            self._writer.close()
            self._reader = self._writer = None
            raise

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: Message) -> int:
        writer.write(message.request)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        await reader.readexactly(length)
        return int(head.split(" ", 2)[1])
