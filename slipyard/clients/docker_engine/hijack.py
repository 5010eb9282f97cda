"""A connection of the engine that becomes a raw stream in both directions ("hijacked": Docker Engine API, "Attach to a
container"). The SDK hands out a blocking socket for it; on the event loop it costs no thread for as long as it is open."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from slipyard.clients.container_commands import Output
from slipyard.clients.docker_engine.failures import from_answer, translated
from slipyard.domain.errors import Conflict, Unavailable

_FRAME = struct.Struct(">BxxxL")
_STREAMS = {0: "stdout", 1: "stdout", 2: "stderr"}
_PIECE = 32 * 1024
_REFUSED = 400
_MOST_EXPLANATION = 16 * 1024


@dataclass(frozen=True)
class Hijack:
    """`path` begins with the API version; `terminal`: the stream is raw, else it is cut into frames."""

    what: str
    path: str
    terminal: bool
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


async def hijack(docker_host: str, asked: Hijack) -> "HijackedStream":
    """Raises what the engine's answer means."""
    with translated(asked.what):
        reader, writer = await _dialled(docker_host)
    try:
        with translated(asked.what):
            writer.write(_request(asked))
            await writer.drain()
            status, headers = await _head(reader)
            explanation = await _explanation(reader, headers) if status >= _REFUSED else ""
    except BaseException:
        writer.close()
        raise
    if status >= _REFUSED:
        writer.close()
        raise from_answer(asked.what, status, explanation)
    return HijackedStream(reader, writer, terminal=asked.terminal)


class HijackedStream:
    """A `CommandStream`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, terminal: bool) -> None:
        self._reader, self._writer, self._terminal = reader, writer, terminal

    async def output(self) -> AsyncIterator[Output]:
        """Ends also where the engine went away: whoever asks for the exit code then learns that."""
        try:
            async for piece in self._raw() if self._terminal else self._framed():
                yield piece
        except (OSError, asyncio.IncompleteReadError):
            return

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (OSError, RuntimeError):
            raise Conflict("The command does not read its input any more. Run it again.") from None

    async def end_input(self) -> None:
        with suppress(OSError, RuntimeError):
            if self._writer.can_write_eof():
                self._writer.write_eof()

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _raw(self) -> AsyncIterator[Output]:
        while piece := await self._reader.read(_PIECE):
            yield Output("stdout", piece)

    async def _framed(self) -> AsyncIterator[Output]:
        while True:
            try:
                header = await self._reader.readexactly(_FRAME.size)
            except asyncio.IncompleteReadError:
                return
            stream, left = _FRAME.unpack(header)
            while left:
                piece = await self._reader.read(min(left, _PIECE))
                if not piece:
                    return
                left -= len(piece)
                yield Output(_STREAMS.get(stream, "stdout"), piece)


async def _dialled(docker_host: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = urlsplit(docker_host)
    if url.scheme == "unix":
        return await asyncio.open_unix_connection(url.path)
    return await asyncio.open_connection(url.hostname, url.port or 2375)


def _request(asked: Hijack) -> bytes:
    body = json.dumps(asked.body or {}).encode()
    head = (
        f"POST {asked.path}?{urlencode(asked.params)} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    first, *lines = (await _until_blank(reader)).decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    return int(first.split()[1]), headers


async def _until_blank(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise Unavailable("The container engine ended the connection before it answered. Try again.") from None


async def _explanation(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> str:
    length = min(int(headers.get("content-length", _MOST_EXPLANATION)), _MOST_EXPLANATION)
    text = b""
    while len(text) < length and (piece := await reader.read(length - len(text))):
        text += piece
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")
