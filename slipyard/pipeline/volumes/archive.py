"""What a volume holds as a `.tar.zst`, packed and unpacked in one pass: blocking, for a thread.

Owner, group, mode, times and links are as the engine gives and takes them. The digest is of the content, whatever the order
and the form of the archive: two volumes with the same digest hold the same.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import zstandard

from slipyard.builder.archive_limits import ArchiveLimits
from slipyard.builder.compression import DAMAGES, Feed, unpacked
from slipyard.builder.tar_reader import DIRECTORY, HARD_LINK, REGULAR, SYMBOLIC_LINK, Member, TarReader
from slipyard.domain.errors import SourceRefused, TooLarge
from slipyard.store.stream_cipher import MAGIC, Opener, Sealer, StreamKey

Write = Callable[[bytes], None]
_PIPE = b"6"
_KINDS = {REGULAR, HARD_LINK, SYMBOLIC_LINK, DIRECTORY, _PIPE}
_SUMS = 2**256
_TIB = 1024**4
# A database's files hold many zeros: those compress far better than sources do.
LIMITS = ArchiveLimits(
    packed_bytes=_TIB,
    unpacked_bytes=_TIB,
    expansion=2000,
    entries=5_000_000,
    depth=256,
    path_bytes=4096,
    seconds=86_400.0,
)
OWN = ArchiveLimits(
    packed_bytes=_TIB,
    unpacked_bytes=_TIB,
    expansion=_TIB,
    entries=50_000_000,
    depth=2048,
    path_bytes=4096,
    seconds=86_400.0,
)


@dataclass(frozen=True)
class Tally:
    """`content_bytes` are those of files; `digest` is hex."""

    entries: int
    content_bytes: int
    digest: str


def pack(feed: Feed, write: Write, key: StreamKey | None) -> Tally:
    """A tar becomes a `.tar.zst`, sealed where there is a key."""
    compressing = zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()
    sealer = Sealer(key) if key is not None else None

    def read(size: int) -> bytes:
        data = feed.read(size)
        packed = compressing.compress(data)
        if packed:
            write(sealer.feed(packed) if sealer else packed)
        return data

    tally = _tallied(TarReader(read), OWN)
    rest = compressing.flush()
    write(sealer.feed(rest) + sealer.finish() if sealer else rest)
    return tally


def unpack(feed: Feed, write: Write, key: StreamKey, limits: ArchiveLimits) -> Tally:
    """A `.tar`, `.tar.gz` or `.tar.zst`, sealed or not, becomes a tar. `SourceRefused` or `TooLarge` say what is wrong; what
    was written until then is not to be used."""
    plain = unpacked(_Opened(feed, key), limits)
    amount, deadline = 0, time.monotonic() + limits.seconds

    def read(size: int) -> bytes:
        nonlocal amount
        data = plain(size)
        amount += len(data)
        limits.check_unpacked(amount, feed.received)
        if time.monotonic() > deadline:
            raise TooLarge(f"The archive took more than {limits.seconds:g} s to arrive and unpack.")
        if data:
            write(data)
        return data

    try:
        return _tallied(TarReader(read), limits)
    except DAMAGES as error:
        raise SourceRefused("The compressed archive is damaged or breaks off before its end. Send it again.") from error


def tally(feed: Feed) -> Tally:
    """Of a tar as the engine gives it."""
    return _tallied(TarReader(feed.read), OWN)


class _Opened:
    """A feed that opens itself where its first bytes say that it is sealed."""

    def __init__(self, feed: Feed, key: StreamKey) -> None:
        self._feed, self._key = feed, key
        self._start: bytes | None = None
        self._opener: Opener | None = None

    @property
    def received(self) -> int:
        return self._feed.received

    @received.setter
    def received(self, amount: int) -> None:
        raise NotImplementedError(amount)

    def read(self, size: int = -1) -> bytes:
        if self._start is None:
            self._begin()
        if self._opener is not None:
            return self._opener.read(size)
        return self._raw(size)

    def _begin(self) -> None:
        start = b""
        while len(start) < len(MAGIC) and (piece := self._feed.read(len(MAGIC) - len(start))):
            start += piece
        self._start = start
        if start == MAGIC:
            self._opener = Opener(self._raw, self._key)

    def _raw(self, size: int) -> bytes:
        if self._start:
            data, self._start = (
                self._start[:size] if size >= 0 else self._start,
                b"" if size < 0 else self._start[size:],
            )
            return data
        return self._feed.read(size)


def _tallied(reader: TarReader, limits: ArchiveLimits) -> Tally:
    entries = content = total = 0
    for member in reader.members():
        path = _checked_path(member, limits)
        proof = hashlib.sha256()
        for piece in reader.content(member):
            proof.update(piece)
        entries, content = entries + 1, content + member.size
        limits.check_entries(entries)
        facts = b"%b\0%b\0%o\0%d\0%d\0%b\0" % (
            path,
            member.kind,
            member.mode & 0o7777,
            member.uid,
            member.gid,
            member.link,
        )
        total += int.from_bytes(hashlib.sha256(facts + proof.digest()).digest())
    reader.drain()
    return Tally(entries, content, f"{total % _SUMS:064x}")


def _checked_path(member: Member, limits: ArchiveLimits) -> bytes:
    """Inside the volume. Where a symbolic link leads is the app's own business: nothing of ours follows it."""
    path = _inside(member.name)
    parts = path.split(b"/")
    limits.check_path(path.decode(errors="replace"), [part.decode(errors="replace") for part in parts])
    if member.kind == HARD_LINK:
        _inside(member.link)
    if member.kind not in _KINDS:
        raise SourceRefused(
            f"{_shown(member.name)} is a device or of an unknown kind, which no volume gets. Leave it out."
        )
    return path


def _inside(name: bytes) -> bytes:
    parts = [part for part in name.split(b"/") if part not in {b"", b"."}]
    if name.startswith(b"/") or b".." in parts:
        raise SourceRefused(f"{_shown(name)} leads out of the volume. Pack with tar -C <directory> . instead.")
    return b"/".join(parts)


def _shown(name: bytes) -> str:
    return repr(name[:200].decode(errors="replace"))
