"""A file of lines that somebody else writes, renames when it is full, and begins anew: each line once, in their order."""

import os
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

_ENOUGH = 32 * 1024 * 1024  # bytes in one read; the rest comes with the next


@dataclass(frozen=True)
class Place:
    """Up to where a file was read: its inode, and bytes."""

    inode: int
    offset: int


class GrowingLog:
    """Blocking: call it in a thread. `look_back` is how many bytes of what is there a first read wants."""

    def __init__(self, path: Path, look_back: int = 0) -> None:
        self._path = path
        self._look_back: int | None = look_back
        self._file: BufferedReader | None = None
        self._rest = b""

    def resume(self, place: Place) -> None:
        """Goes on there instead, where that file is still to be found, also under another name."""
        for path in (self._path, *self._renamed()):
            with suppress(FileNotFoundError):
                there = path.stat()
                if there.st_ino == place.inode and there.st_size >= place.offset:
                    self._file = path.open("rb")
                    self._file.seek(place.offset)
                    return

    def skip(self) -> None:
        """What is there now is of no interest. Where nothing is, all of it will be."""
        if self._file is None and not self._open(0):
            self._look_back = None

    def read(self) -> list[bytes]:
        """Whole lines since the last call, without their ends. A file that was renamed is read to its end first."""
        if self._file is None and not self._open(self._look_back):
            return []
        lines = self._new_lines()
        if lines or not self._was_renamed():
            return lines
        return self._new_lines() or self._first_of_the_next()

    def read_all(self) -> list[bytes]:
        lines: list[bytes] = []
        while some := self.read():
            lines += some
        return lines

    @property
    def place(self) -> Place | None:
        """None where nothing was opened yet."""
        if self._file is None:
            return None
        return Place(os.fstat(self._file.fileno()).st_ino, self._file.tell() - len(self._rest))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file, self._rest = None, b""

    def _renamed(self) -> list[Path]:
        """Full files, oldest first: whoever renames them puts the time into their names."""
        return sorted(self._path.parent.glob(f"{self._path.stem}-*{self._path.suffix}"))

    def _following(self) -> Path:
        """The one that was begun after ours."""
        renamed = self._renamed()
        ours = [number for number, path in enumerate(renamed) if self._is_ours(path)]
        return renamed[ours[0] + 1] if ours and ours[0] + 1 < len(renamed) else self._path

    def _open(self, look_back: int | None, path: Path | None = None) -> bool:
        """None reads it from its beginning."""
        with suppress(FileNotFoundError):
            self._file = (path or self._path).open("rb")
            if look_back is not None:
                self._file.seek(max(0, os.fstat(self._file.fileno()).st_size - look_back))
        return self._file is not None

    def _first_of_the_next(self) -> list[bytes]:
        """Several may have been filled since the last look."""
        following = self._following()
        self.close()
        self._open(None, following)
        return self._new_lines()

    def _new_lines(self) -> list[bytes]:
        if self._file is None:
            return []
        *lines, self._rest = (self._rest + self._file.read(_ENOUGH)).split(b"\n")
        return lines

    def _was_renamed(self) -> bool:
        return self._file is not None and self._path.exists() and not self._is_ours(self._path)

    def _is_ours(self, path: Path) -> bool:
        try:
            return self._file is not None and path.stat().st_ino == os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:
            return False
