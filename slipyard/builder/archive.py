"""From any tar stream to a sanitised one: only what may be in a tree passes, and what passes is written in one form.

Kept: regular files (mode 644, or 755 where anybody may execute), directories (755), relative links that stay inside,
and hard links to earlier files, as copies. Everything else is refused by name. Nothing is ever extracted.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from slipyard.builder import tar_writer
from slipyard.builder.archive_limits import ArchiveLimits
from slipyard.builder.compression import DAMAGES, Feed, unpacked
from slipyard.builder.member_names import name_of, path_of, target_of
from slipyard.builder.tar_reader import DIRECTORY, REGULAR, SYMBOLIC_LINK, Member, TarReader
from slipyard.domain.errors import SourceRefused, TooLarge

_COPY = 1024 * 1024
_LFS = b"version https://git-lfs.github.com/spec/v1\n"
_LFS_POINTER_BYTES = 1024
_KINDS = {b"3": "a device", b"4": "a device", b"6": "a named pipe", b"S": "a sparse file"}


@dataclass(frozen=True, slots=True)
class Entry:
    """`proof` is the content's SHA-256 or the link's target: with path, kind and mode, all that the digest covers."""

    kind: bytes
    mode: int
    proof: bytes
    offset: int = 0
    size: int = 0


@dataclass
class Sanitised:
    """What was written. `digest` is independent of the order and the form of the archive."""

    entries: dict[str, Entry] = field(default_factory=dict)
    bytes: int = 0
    lfs_pointers: list[str] = field(default_factory=list)

    def digest(self) -> str:
        whole = hashlib.sha256()
        for path in sorted(self.entries):
            entry = self.entries[path]
            name = path.encode()
            whole.update(b"%d:%b%b%o:%d:%b" % (len(name), name, entry.kind, entry.mode, len(entry.proof), entry.proof))
        return whole.hexdigest()


def sanitise(feed: Feed, output: BinaryIO, limits: ArchiveLimits) -> Sanitised:
    """Blocking: for a worker thread. `output` must be seekable and readable. `SourceRefused` or `TooLarge` say what is wrong."""
    return _Sanitiser(feed, output, limits).run()


class _Sanitiser:
    def __init__(self, feed: Feed, output: BinaryIO, limits: ArchiveLimits) -> None:
        self._feed, self._output, self._limits = feed, output, limits
        self._result = Sanitised()
        self._position = 0
        self._unpacked = 0
        self._deadline = time.monotonic() + limits.seconds
        self._reader = TarReader(self._read)
        self._source: Callable[[int], bytes] = feed.read

    def run(self) -> Sanitised:
        try:
            self._source = unpacked(self._feed, self._limits)
            for member in self._reader.members():
                self._pass(member)
            self._reader.drain()
        except DAMAGES as error:
            raise SourceRefused(
                "The compressed archive is damaged or breaks off before its end. Send it again."
            ) from error
        self._write(tar_writer.END)
        self._result.bytes = self._position
        return self._result

    def _read(self, size: int) -> bytes:
        data = self._source(size)
        self._unpacked += len(data)
        self._limits.check_unpacked(self._unpacked, self._feed.received)
        if time.monotonic() > self._deadline:
            raise TooLarge(f"The archive took more than {self._limits.seconds:g} s to arrive and unpack.")
        return data

    def _pass(self, member: Member) -> None:
        path = path_of(member, self._limits)
        if not path:  # the root itself
            return
        self._add_parents(path)
        match member.kind:
            case b"0":
                self._add_file(path, member)
            case b"1":
                self._add_copy(path, member)
            case b"2":
                self._add_link(path, member)
            case b"5":
                self._add_directory(path)
            case other:
                raise SourceRefused(
                    f"{path!r} is {_KINDS.get(other, 'of an unknown kind')}, which is not taken. Leave it out."
                )

    def _add_parents(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        if parent and parent not in self._result.entries:
            self._add_parents(parent)
            self._add_directory(parent)
        elif parent and self._result.entries[parent].kind != DIRECTORY:
            raise SourceRefused(f"{path!r} lies below {parent!r}, which is no directory in this archive.")

    def _add_directory(self, path: str) -> None:
        known = self._result.entries.get(path)
        if known is None:
            self._record(path, Entry(DIRECTORY, 0o755, b""))
            self._write(tar_writer.header(path.encode() + b"/", DIRECTORY, 0o755))
        elif known.kind != DIRECTORY:
            raise _twice(path)

    def _add_link(self, path: str, member: Member) -> None:
        target = target_of(path, member)
        self._record(path, Entry(SYMBOLIC_LINK, 0o777, target))
        self._write(tar_writer.header(path.encode(), SYMBOLIC_LINK, 0o777, link=target))

    def _add_file(self, path: str, member: Member) -> None:
        mode = 0o755 if member.mode & 0o111 else 0o644
        self._check_new(path)
        self._write(tar_writer.header(path.encode(), REGULAR, mode, member.size))
        offset, hashing, first = self._position, hashlib.sha256(), b""
        for piece in self._reader.content(member):
            first = first or piece
            hashing.update(piece)
            self._write(piece)
        self._write(tar_writer.padding(member.size))
        if member.size < _LFS_POINTER_BYTES and first.startswith(_LFS):
            self._result.lfs_pointers.append(path)
        self._record(path, Entry(REGULAR, mode, hashing.digest(), offset, member.size))

    def _add_copy(self, path: str, member: Member) -> None:
        target = "/".join(part for part in name_of(member.link).split("/") if part not in {"", "."})
        known = self._result.entries.get(target)
        if known is None or known.kind != REGULAR:
            raise SourceRefused(
                f"{path!r} is a hard link to {target[:200]!r}, which is no earlier file of this archive."
            )
        self._check_new(path)
        self._unpacked += known.size
        self._limits.check_unpacked(self._unpacked, self._feed.received)
        self._write(tar_writer.header(path.encode(), REGULAR, known.mode, known.size))
        offset = self._position
        self._copy(known)
        self._write(tar_writer.padding(known.size))
        self._record(path, Entry(REGULAR, known.mode, known.proof, offset, known.size))

    def _copy(self, entry: Entry) -> None:
        done = 0
        while done < entry.size:
            self._output.seek(entry.offset + done)
            piece = self._output.read(min(_COPY, entry.size - done))
            self._output.seek(self._position)
            self._write(piece)
            done += len(piece)

    def _record(self, path: str, entry: Entry) -> None:
        self._check_new(path)
        self._result.entries[path] = entry
        self._limits.check_entries(len(self._result.entries))

    def _check_new(self, path: str) -> None:
        if path in self._result.entries:
            raise _twice(path)

    def _write(self, data: bytes) -> None:
        self._output.write(data)
        self._position += len(data)


def _twice(path: str) -> SourceRefused:
    return SourceRefused(f"{path!r} is twice in the archive, so it is not clear which is meant. Pack each path once.")
