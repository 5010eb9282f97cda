"""Whether a repository may hold an object, answered from its files: a process of git costs some milliseconds, this none.

Loose objects are files named for themselves; packs have an index with a table of first bytes and a sorted list of names
(gitformat-pack(5), version 2). In any doubt the answer is yes, and git is asked.
"""

import os
from bisect import bisect_left
from pathlib import Path

_MAGIC = b"\xfftOc\x00\x00\x00\x02"
_NAME_BYTES = 20
_TABLE = len(_MAGIC)
_NAMES = _TABLE + 256 * 4


def may_hold(repository: Path, name: str) -> bool:
    """False only where it is surely not there. Blocks for a few reads of files."""
    objects = repository / "objects"
    if len(name) != 2 * _NAME_BYTES or (objects / "info" / "alternates").exists():
        return True
    if (objects / name[:2] / name[2:]).exists():
        return True
    return any(_may_list(index, bytes.fromhex(name)) for index in (objects / "pack").glob("*.idx"))


def _may_list(index: Path, name: bytes) -> bool:
    try:
        descriptor = os.open(index, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True  # being replaced
    try:
        return _lists(descriptor, name)
    finally:
        os.close(descriptor)


def _lists(descriptor: int, name: bytes) -> bool:
    if os.pread(descriptor, _TABLE, 0) != _MAGIC:
        return True
    first, end = _counted_below(descriptor, name[0]), _counted_below(descriptor, name[0] + 1)
    listed = os.pread(descriptor, (end - first) * _NAME_BYTES, _NAMES + first * _NAME_BYTES)
    place = bisect_left(range(end - first), name, key=lambda at: listed[at * _NAME_BYTES : (at + 1) * _NAME_BYTES])
    return listed[place * _NAME_BYTES : (place + 1) * _NAME_BYTES] == name


def _counted_below(descriptor: int, byte: int) -> int:
    """How many names begin with a lower byte; the table counts up to each byte, itself among them."""
    if byte == 0:
        return 0
    return int.from_bytes(os.pread(descriptor, 4, _TABLE + (byte - 1) * 4), "big")
