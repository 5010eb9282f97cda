"""How streams of the engine are cut: JSON lines, and the log stream with its 8-byte headers.

The header is `{1 stdout | 2 stderr, 0, 0, 0, length as 4 bytes big-endian}` (Docker Engine API, "Attach to a container").
"""

import json
import struct
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from requests import Response

from slipyard.clients.container_engine import LogLine

_HEADER = struct.Struct(">BxxxL")
_MOST_REMEMBERED = 4096
_STREAMS = {1: "stdout", 2: "stderr"}


def json_lines(response: Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        if line:
            yield json.loads(line)


def log_lines(response: Response) -> Iterator[LogLine]:
    """A line over 16 KiB comes in several frames, each with a time of its own; only the last ends in a newline."""
    begun: dict[str, tuple[datetime, bytes]] = {}
    for stream, frame in _frames(response):
        stamp, _, text = frame.partition(b" ")
        earlier = begun.pop(stream, None)
        timestamp, before = earlier if earlier is not None else (datetime.fromisoformat(stamp.decode()), b"")
        if text.endswith(b"\n"):
            yield LogLine(timestamp, stream, (before + text[:-1]).decode(errors="replace"))
        else:
            begun[stream] = (timestamp, before + text)
    for stream, (timestamp, text) in begun.items():
        yield LogLine(timestamp, stream, text.decode(errors="replace"))


def last_line(response: Response) -> Iterator[str]:
    """One item, at the end: the last line that is not empty, of the last 4 KiB that were said."""
    said = b""
    for _, frame in _frames(response):
        said = (said + frame)[-_MOST_REMEMBERED:]
    yield next((line for line in reversed(said.decode(errors="replace").splitlines()) if line.strip()), "")


def _frames(response: Response) -> Iterator[tuple[str, bytes]]:
    while len(header := response.raw.read(_HEADER.size)) == _HEADER.size:
        stream, length = _HEADER.unpack(header)
        yield _STREAMS.get(stream, "stdout"), response.raw.read(length)
