"""Where the lines of all parts go: a terminal, or a file that never grows past its limit."""

import os
from collections import deque
from pathlib import Path

ROTATE_BYTES = 16 * 1024 * 1024
KEPT_FILES = 3
_TAIL_LINES = 40


class LogSink:
    """Writes to `path`, or to standard error where it is None. Remembers the last lines, to say why something died."""

    def __init__(self, path: Path | None, *, rotate_bytes: int = ROTATE_BYTES) -> None:
        self._path = path
        self._rotate_bytes = rotate_bytes
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._descriptor = 2 if path is None else open_log(path)

    def write(self, data: bytes) -> None:
        self._tail.extend(data.decode(errors="replace").splitlines())
        self._write_all(data)
        if self._path is not None and os.fstat(self._descriptor).st_size >= self._rotate_bytes:
            self._rotate(self._path)

    def tail(self) -> list[str]:
        return list(self._tail)

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            return  # the terminal went away or the disk is full: supervising goes on

    def _rotate(self, path: Path) -> None:
        os.close(self._descriptor)
        rotate(path)
        self._descriptor = open_log(path)


def open_log(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def rotate(path: Path) -> None:
    """log -> log.1 -> log.2 -> ...; the oldest is dropped."""
    for age in range(KEPT_FILES, 0, -1):
        newer = path if age == 1 else path.with_name(f"{path.name}.{age - 1}")
        if newer.exists():
            newer.replace(path.with_name(f"{path.name}.{age}"))
