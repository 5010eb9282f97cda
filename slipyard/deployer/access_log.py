"""Caddy's access log, read as it grows: which address gave which answer."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

ACCESS_LOG = "access.log"  # in the directory of logs
_LOOK_BACK = 4 * 1024 * 1024  # bytes that a first look reads


@dataclass(frozen=True)
class Answered:
    """`at` in seconds since the epoch, `upstream` is `ip:port`."""

    at: float
    upstream: str
    status: int


class AccessLogTail:
    """Blocking: call it in a thread. A log that is renamed and begun anew is read to its end first."""

    def __init__(self, path: Path, app_id: str) -> None:
        self._path = path
        self._app_id = app_id.encode()
        self._file: BufferedReader | None = None
        self._rest = b""

    def read(self) -> list[Answered]:
        """What was answered for the app since the last call; the first call looks back a little."""
        return [answer for line in self._lines() if self._app_id in line and (answer := _answered(line)) is not None]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _lines(self) -> Iterator[bytes]:
        if self._file is None and not self._open(look_back=True):
            return
        yield from self._new_lines()
        if self._was_renamed():
            self.close()
            self._rest = b""
            if self._open(look_back=False):
                yield from self._new_lines()

    def _open(self, *, look_back: bool) -> bool:
        with suppress(FileNotFoundError):
            self._file = self._path.open("rb")
            if look_back:
                self._file.seek(max(0, os.fstat(self._file.fileno()).st_size - _LOOK_BACK))
        return self._file is not None

    def _new_lines(self) -> list[bytes]:
        if self._file is None:
            return []
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        return lines

    def _was_renamed(self) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        return self._file is not None and there.st_ino != os.fstat(self._file.fileno()).st_ino


def _answered(line: bytes) -> Answered | None:
    """None for a line that is cut off, and for an answer that no instance gave."""
    try:
        row = json.loads(line)
        return Answered(float(row["ts"]), row["upstream"], int(row["status"])) if row.get("upstream") else None
    except (ValueError, KeyError, TypeError):
        return None
