"""Tar streams of files that are copied, packed and unpacked without trusting them."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from slipyard.cli.failure import Failed


def pack(source: Path, name: str, target: IO[bytes]) -> None:
    """`source` under another name, owned by root there, as everything that was built is."""
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.add(source, name, filter=_of_nobody)


def unpack(pieces: Iterator[bytes], target: Path) -> None:
    """Into `target` where that is a directory, else as it. Nothing leaves it: no links out, no devices, no special modes."""
    into, renamed = (target, None) if target.is_dir() else (target.parent, target.name)
    reader: IO[bytes] = io.BufferedReader(_Pieces(pieces))  # type: ignore[type-var, assignment, unused-ignore]
    try:
        with tarfile.open(fileobj=reader, mode="r|") as archive:
            for member in archive:
                if renamed is not None:
                    _rename(member, renamed)
                archive.extract(member, into, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise Failed(f"Copying broke off: {error}") from None


def _rename(member: tarfile.TarInfo, name: str) -> None:
    member.name = _under(member.name, name)
    if member.islnk():
        member.linkname = _under(member.linkname, name)


def _under(path: str, name: str) -> str:
    _, slash, rest = path.partition("/")
    return f"{name}{slash}{rest}"


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


class _Pieces(io.RawIOBase):
    """Pieces as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)
