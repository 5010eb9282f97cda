"""What an archive is packed with, told by its first bytes and never by its name."""

import gzip
import zlib
from collections.abc import Callable
from typing import Protocol

import zstandard

from slipyard.builder.archive_limits import ArchiveLimits
from slipyard.domain.errors import SourceRefused

_GZIP, _ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_FOREIGN = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"PK\x03\x04": "zip"}
_MAXIMUM_WINDOW = 128 * 1024 * 1024
DAMAGES = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)


class Feed(Protocol):
    """`received` counts the packed bytes that came so far."""

    received: int

    def read(self, size: int = -1) -> bytes: ...


def unpacked(feed: Feed, limits: ArchiveLimits) -> Callable[[int], bytes]:
    """A read function of plain tar bytes; it raises one of `DAMAGES` where the compressed stream is broken."""
    packed = _Packed(feed, limits)
    start = packed.peek(6)
    if start.startswith(_GZIP):
        return gzip.GzipFile(fileobj=packed, mode="rb").read  # type: ignore[call-overload,no-any-return]  # it only reads
    if start.startswith(_ZSTANDARD):
        unpacker = zstandard.ZstdDecompressor(max_window_size=_MAXIMUM_WINDOW)
        return unpacker.stream_reader(packed, read_across_frames=True).read  # type: ignore[arg-type]
    for magic, kind in _FOREIGN.items():
        if start.startswith(magic):
            raise SourceRefused(f"This is a {kind} file. Send a .tar, .tar.gz or .tar.zst.")
    if not start:
        raise SourceRefused("The archive is empty. Send a .tar, .tar.gz or .tar.zst.")
    return packed.read


class _Packed:
    """The stream as it came, counted."""

    def __init__(self, feed: Feed, limits: ArchiveLimits) -> None:
        self._feed, self._limits = feed, limits
        self._pushed_back = b""

    def read(self, size: int = -1) -> bytes:
        if self._pushed_back:
            data, self._pushed_back = self._pushed_back, b""
            if 0 <= size < len(data):
                data, self._pushed_back = data[:size], data[size:]
            return data
        data = self._feed.read(size)
        self._limits.check_packed(self._feed.received)
        return data

    def peek(self, size: int) -> bytes:
        start = b""
        while len(start) < size and (data := self.read(size - len(start))):
            start += data
        self._pushed_back = start
        return start
