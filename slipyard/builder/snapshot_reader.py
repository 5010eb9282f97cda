"""Looks into a snapshot without unpacking it. Blocking, for worker threads; only for tars that Slipyard wrote itself."""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from slipyard.builder.tar_reader import BLOCK, DIRECTORY, REGULAR, SYMBOLIC_LINK
from slipyard.domain.errors import NotFound, SourceRefused, SystemFault

_LONG_NAME, _LONG_LINK = b"L", b"K"
_MAXIMUM_LINKS = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member is: its headers begin at `start`, its content at `offset`, the next member at `end`."""

    kind: bytes
    mode: int
    start: int
    offset: int
    size: int
    link: str

    @property
    def end(self) -> int:
        return self.offset + self.size + -self.size % BLOCK

    @property
    def is_directory(self) -> bool:
        return self.kind == DIRECTORY


class SnapshotReader:
    """Paths are relative, without leading or trailing slashes; the root is not listed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.places = _index(path)

    def names(self) -> Sequence[str]:
        """Every path of the tree, directories too, in the order of the archive: a directory before what it holds."""
        return list(self.places)

    def exists(self, name: str) -> bool:
        """Whether there is a file or directory, through links inside the tree."""
        return name in {"", "."} or self._resolve(name) is not None

    def is_file(self, name: str) -> bool:
        place = self._resolve(name)
        return place is not None and place.kind == REGULAR

    def is_directory(self, name: str) -> bool:
        place = self._resolve(name)
        return name in {"", "."} or (place is not None and place.is_directory)

    def read(self, name: str, max_bytes: int) -> bytes:
        """A whole file, through links. `NotFound` where there is none, `SourceRefused` where it is larger."""
        place = self._resolve(name)
        if place is None or place.kind != REGULAR:
            raise NotFound(f"There is no file {name!r} in the source.")
        if place.size > max_bytes:
            raise SourceRefused(f"{name!r} has {place.size} bytes; at most {max_bytes} are read.")
        with self.path.open("rb") as file:
            file.seek(place.offset)
            return file.read(place.size)

    def _resolve(self, name: str) -> Place | None:
        """As a system call would find it; links lead only inside, which the sanitiser saw to."""
        done, ahead, followed = "", name.split("/")[::-1], 0
        place: Place | None = None
        while ahead:
            part = ahead.pop()
            if part in {"", ".", ".."}:
                done = posixpath.dirname(done) if part == ".." else done
                place = self.places.get(done)
                continue
            path = f"{done}/{part}" if done else part
            place = self.places.get(path)
            if place is None:
                return None
            if place.kind != SYMBOLIC_LINK:
                done = path
                continue
            followed += 1
            if followed > _MAXIMUM_LINKS:
                return None
            ahead += place.link.split("/")[::-1]
        return place


def _index(path: Path) -> dict[str, Place]:
    places: dict[str, Place] = {}
    try:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            _scan(data, places)
    except (OSError, ValueError, IndexError) as error:
        raise SystemFault(
            f"The snapshot {path.name} is damaged or gone: {error}. Build again from the source."
        ) from error
    return places


def _scan(data: mmap, places: dict[str, Place]) -> None:
    position = start = 0
    long_name = long_link = None
    while data[position + 156]:
        kind, size = data[position + 156 : position + 157], _octal(data[position + 124 : position + 136])
        offset = position + BLOCK
        if kind == _LONG_NAME:
            long_name = data[offset : offset + size - 1]
        elif kind == _LONG_LINK:
            long_link = data[offset : offset + size - 1]
        else:
            name = long_name or _until_zero(data[position : position + 100])
            link = long_link or _until_zero(data[position + 157 : position + 257])
            mode = int(data[position + 100 : position + 107], 8)
            places[name.decode().rstrip("/")] = Place(kind, mode, start, offset, size, link.decode())
            long_name = long_link = None
        position = offset + size + -size % BLOCK
        if long_name is None and long_link is None:
            start = position


def _octal(field: bytes) -> int:
    return int.from_bytes(field[1:]) if field[0] & 0x80 else int(field[:11], 8)


def _until_zero(field: bytes) -> bytes:
    return field.partition(b"\0")[0]
