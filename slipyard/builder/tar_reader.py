"""Reads tar archives as they stream by: ustar, GNU (long names) and pax.

Not the standard library's `tarfile`, because that ends silently at a broken header, keeps every member in memory,
reads extended headers of any size, and takes 60 microseconds for a small member, six times what is needed here. Format: POSIX.1-2017
`pax`, and the GNU tar manual for types L and K and base-256 numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slipyard.domain.errors import SourceRefused

BLOCK = 512
_ZERO = bytes(BLOCK)
_EXTENDED_BYTES = 1024 * 1024
_CHUNK = 1024 * 1024

REGULAR, HARD_LINK, SYMBOLIC_LINK, DIRECTORY = b"0", b"1", b"2", b"5"
_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK = b"x", b"g", b"L", b"K"
_EXTENSIONS = frozenset({_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK})


@dataclass(slots=True)
class Member:
    """Names are bytes as they stood in the archive; `kind` is a type flag, with old forms of a regular file mapped to 0."""

    name: bytes
    kind: bytes
    mode: int
    size: int
    link: bytes
    uid: int = 0
    gid: int = 0


class TarReader:
    """`read(n)` gives up to n bytes, empty at the end. Content must be taken by `content` before the next member."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._buffer = b""
        self._position = 0
        self._unread = 0

    def members(self) -> Iterator[Member]:
        """Every member up to the end mark. `SourceRefused` where the archive breaks off or is no tar."""
        extended: dict[bytes, bytes] = {}
        while (block := self._take(BLOCK)) != _ZERO:
            member = _parse(block)
            if member.kind in _EXTENSIONS:
                extended |= _extension(member, self._extended_data(member))
                continue
            _apply(member, extended)
            extended = {}
            self._unread = member.size
            yield member
            for _ in self.content(member):  # what the caller left
                pass

    def content(self, member: Member) -> Iterator[bytes]:
        """The bytes of the member just given, in pieces of at most 1 MiB."""
        while self._unread:
            piece = self._some(min(self._unread, _CHUNK))
            self._unread -= len(piece)
            if not self._unread:
                self._take(-member.size % BLOCK)
            yield piece

    def drain(self) -> None:
        """To the end of the stream, so that a compressed one proves its checksum."""
        while self._read(_CHUNK):
            pass

    def _extended_data(self, member: Member) -> bytes:
        if member.size > _EXTENDED_BYTES:
            raise SourceRefused(
                f"The archive has an extended header of {member.size} bytes; {_EXTENDED_BYTES} are taken."
            )
        return self._take(member.size + -member.size % BLOCK)[: member.size]

    def _some(self, size: int) -> bytes:
        if self._position == len(self._buffer):
            self._buffer, self._position = self._read(_CHUNK), 0
            if not self._buffer:
                raise SourceRefused("The archive breaks off before its end. Pack and send it again.")
        piece = self._buffer[self._position : self._position + size]
        self._position += len(piece)
        return piece

    def _take(self, size: int) -> bytes:
        if self._position + size <= len(self._buffer):
            self._position += size
            return self._buffer[self._position - size : self._position]
        pieces = []
        while size:
            piece = self._some(size)
            size -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)


def _parse(block: bytes) -> Member:
    if not _is_header(block):
        raise SourceRefused("This is not a tar archive, or it is damaged. Send a .tar, .tar.gz or .tar.zst.")
    kind = block[156:157]
    name = block[:100].partition(b"\0")[0]
    if block[257:263] == b"ustar\0" and block[345] and kind not in _EXTENSIONS:
        name = block[345:500].partition(b"\0")[0] + b"/" + name
    if kind in {b"\0", b"7"}:
        kind = DIRECTORY if kind == b"\0" and name.endswith(b"/") else REGULAR
    size = _number(block[124:136])
    if size < 0:
        raise SourceRefused("The archive has a member of a negative size.")
    has_content = kind == REGULAR or kind in _EXTENSIONS or kind not in {HARD_LINK, SYMBOLIC_LINK, DIRECTORY}
    link = block[157:257].partition(b"\0")[0]
    owner, group = _number(block[108:116]), _number(block[116:124])
    return Member(name, kind, _number(block[100:108]), size if has_content else 0, link, owner, group)


def _is_header(block: bytes) -> bool:
    """By its checksum, which counts itself as eight spaces."""
    text = block[148:156].strip(b" \0")
    return text.isdigit() and text == b"%0*o" % (len(text), sum(block[:148]) + 256 + sum(block[156:]))


def _number(field: bytes) -> int:
    """Octal text, or base-256 with the top bit set."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:]) if field[0] == 0x80 else -1  # noqa: PLR2004 - 0xff leads a negative number
    text = field.strip(b" \0")
    if not text:
        return 0
    if not text.isdigit() or b"8" in text or b"9" in text:
        raise SourceRefused("The archive has a header with a number that is none. Pack it again.")
    return int(text, 8)


def _extension(member: Member, data: bytes) -> dict[bytes, bytes]:
    if member.kind == _PAX_GLOBAL:  # git writes the commit there; nothing that may change a member's place or kind
        return {}
    if member.kind == _PAX:
        return _pax_records(data)
    return {b"path" if member.kind == _GNU_NAME else b"linkpath": data.rstrip(b"\0")}


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    """Records of the form `<length> <keyword>=<value>\\n`, the length counting all of itself."""
    records: dict[bytes, bytes] = {}
    while data:
        digits, _, _ = data.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0  # noqa: PLR2004 - a header is at most 1 MiB
        record = data[len(digits) + 1 : length - 1]
        if not len(digits) + 1 < length <= len(data) or data[length - 1 : length] != b"\n" or b"=" not in record:
            raise SourceRefused("The archive has a broken extended header. Pack it again.")
        keyword, _, value = record.partition(b"=")
        records[keyword] = value
        data = data[length:]
    return records


def _apply(member: Member, extended: dict[bytes, bytes]) -> None:
    if any(keyword.startswith(b"GNU.sparse") for keyword in extended):
        member.kind = b"S"
    member.name = extended.get(b"path", member.name)
    member.link = extended.get(b"linkpath", member.link)
    member.uid, member.gid = _owner(extended, b"uid", member.uid), _owner(extended, b"gid", member.gid)
    if b"size" in extended and member.kind == REGULAR:
        if not extended[b"size"].isdigit() or len(extended[b"size"]) > 18:  # noqa: PLR2004 - far beyond every limit
            raise SourceRefused("The archive has a broken size in an extended header. Pack it again.")
        member.size = int(extended[b"size"])


def _owner(extended: dict[bytes, bytes], keyword: bytes, of_header: int) -> int:
    """What does not fit into a header stands in an extended one."""
    text = extended.get(keyword, b"")
    return int(text) if text.isdigit() and len(text) < 12 else of_header  # noqa: PLR2004 - far beyond every id
