"""A directory as a stream: tar, compressed with zstd, never whole in memory."""

import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

from slipyard.cli.failure import Failed

MEDIA_TYPE = "application/zstd"
_CHUNK = 256 * 1024
_BLOCK = tarfile.BLOCKSIZE
_LEVEL = 3


@dataclass(frozen=True)
class Packed:
    """`left_out` are links that lead out of the directory, and what is neither a file nor a link."""

    entries: list[str]
    left_out: list[str]


def choose(directory: Path, paths: Iterable[str]) -> Packed:
    entries: list[str] = []
    left_out: list[str] = []
    root = directory.resolve()
    for path in paths:
        (entries if _may_travel(root, path) else left_out).append(path)
    return Packed(entries, left_out)


def packed(directory: Path, entries: Iterable[str]) -> Iterator[bytes]:
    """Times and owners are left out, modes are 644 or 755. `Failed` where a file changes while it is read."""
    compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
    for block in _tar(directory, entries):
        if squeezed := compressor.compress(block):
            yield squeezed
    yield compressor.flush()


def _may_travel(root: Path, path: str) -> bool:
    full = root / path
    if not full.parent.resolve().is_relative_to(root):  # below a link to elsewhere
        return False
    mode = full.lstat().st_mode
    if stat.S_ISLNK(mode):
        target = full.readlink()
        inside = Path(os.path.normpath(full.parent / target)).is_relative_to(root)
        return not target.is_absolute() and inside
    return stat.S_ISREG(mode)


def _tar(directory: Path, entries: Iterable[str]) -> Iterator[bytes]:
    for path in entries:
        yield from _entry(directory / path, path)
    yield bytes(2 * _BLOCK)


def _entry(full: Path, path: str) -> Iterator[bytes]:
    info = tarfile.TarInfo(path)
    if full.is_symlink():
        info.type, info.linkname = tarfile.SYMTYPE, str(full.readlink())
        yield _header(info)
        return
    descriptor = os.open(full, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        info.size, info.mode = facts.st_size, 0o755 if facts.st_mode & stat.S_IXUSR else 0o644
        yield _header(info)
        left = info.size
        while left:
            data = file.read(min(left, _CHUNK))
            if not data:
                raise Failed(f"{full} got shorter while it was read. Deploy again when nothing changes it.")
            left -= len(data)
            yield data
    yield bytes(-info.size % _BLOCK)


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
