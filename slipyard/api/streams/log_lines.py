"""Whole lines of a growing log, with the byte at which the next one begins: what a reader resumes at."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from slipyard.store.log_file import LogFile, follow

_LONGEST_LINE = 1024 * 1024
_CHUNK = 256 * 1024


@dataclass(frozen=True)
class Lines:
    """`text` is whole lines without the last line break; `offset` is the byte after them."""

    text: str
    offset: int


async def follow_lines(path: Path, offset: int, is_over: Callable[[], Awaitable[bool]]) -> AsyncIterator[Lines]:
    """Every byte from `offset` on exactly once, until `is_over()`; a last line without a break comes at the end."""
    start, held = offset, b""
    async for _, chunk in follow(path, offset, is_over):
        held += chunk
        lines, held = _cut(held)
        if lines:
            start += len(lines)
            yield Lines(_text(lines), start)
    if held:
        yield Lines(_text(held), start + len(held))


async def read_lines(path: Path, offset: int, *, to_the_end: bool) -> Lines | None:
    """What there is now from `offset` on, at most 256 KiB of it; None where there is no whole line yet."""
    data = await asyncio.to_thread(LogFile(path).read, offset, _CHUNK)
    lines, rest = _cut(data)
    if not lines and (to_the_end or len(rest) >= _CHUNK):
        lines = rest
    return Lines(_text(lines), offset + len(lines)) if lines else None


def _cut(data: bytes) -> tuple[bytes, bytes]:
    end = data.rfind(b"\n") + 1
    return (data, b"") if not end and len(data) >= _LONGEST_LINE else (data[:end], data[end:])


def _text(lines: bytes) -> str:
    return lines.removesuffix(b"\n").decode(errors="replace")
