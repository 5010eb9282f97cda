"""Tar streams of files that are copied, packed and unpacked without trusting them."""

import io
import os
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
            archive.extraction_filter = _as_it_is
            for member in archive:
                if renamed is not None:
                    _rename(member, renamed)
                _refuse_what_leaves(member, into)
                _make_ours(member)
                archive.extract(member, into)
    except (tarfile.TarError, OSError) as error:
        raise Failed(f"Copying broke off: {error}") from None


def _as_it_is(member: tarfile.TarInfo, _: str) -> tarfile.TarInfo:
    """The library's own filter for data came with Python 3.11.4; Debian 12 has 3.11.2. So we look ourselves, everywhere."""
    return member


def _refuse_what_leaves(member: tarfile.TarInfo, into: Path) -> None:
    """Asked of the disk, so that a link which came before counts too."""
    place = into / member.name
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        raise Failed(
            f"Copying broke off: {member.name} is a device or a pipe, and only files and directories are copied."
        )
    leads = {place}
    if member.issym():
        leads = {place.parent, place.parent / member.linkname}
    elif member.islnk():
        leads.add(into / member.linkname)
    if not all(each.resolve().is_relative_to(into.resolve()) for each in leads):
        raise Failed(f"Copying broke off: {member.name} would lead out of {into}. What came before it was copied.")


def _make_ours(member: tarfile.TarInfo) -> None:
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    if not member.issym():
        member.mode = (member.mode & 0o755) | (0o700 if member.isdir() else 0o600)


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
