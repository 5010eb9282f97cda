"""What instances wrote that are gone: the end of it, a file each, so that it is still there after the next release.

A line is `<RFC 3339 time> <stream> <message>`. A file is at most a MiB, an app has at most 20 of them: the newest.
"""

import shutil
import time
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from slipyard.clients.container_engine import LogLine
from slipyard.store.private_file import replace_private

MOST_BYTES = 1024 * 1024
MOST_FILES = 20
_KEPT_SECONDS = 30 * 86_400
_SUFFIX = ".log"


@dataclass(frozen=True)
class KeptOutput:
    """Of all apps. Blocking."""

    root: Path

    def write(self, app_id: str, instance_id: str, lines: Iterable[LogLine]) -> None:
        """Their end, whole or not at all. The files of an app that are too many go."""
        end = _end_of(lines)
        if end:
            directory = self.root / app_id
            directory.mkdir(parents=True, exist_ok=True)
            replace_private(directory / f"{instance_id}{_SUFFIX}", b"".join(end))
            _prune(directory)

    def read(self, app_id: str, instance_id: str) -> list[LogLine]:
        """Nothing where nothing was kept."""
        try:
            content = (self.root / app_id / f"{instance_id}{_SUFFIX}").read_bytes()
        except FileNotFoundError:
            return []
        return [_line(row.decode(errors="replace")) for row in content.split(b"\n") if row]

    def instances(self, app_id: str) -> list[str]:
        """Of whom something is kept."""
        return [path.stem for path in (self.root / app_id).glob(f"*{_SUFFIX}")]

    def forget_app(self, app_id: str) -> None:
        shutil.rmtree(self.root / app_id, ignore_errors=True)

    def prune(self, app_ids: Collection[str]) -> None:
        """Leaves what the apps named wrote in the last 30 days."""
        for directory in self.root.iterdir() if self.root.exists() else ():
            if directory.name not in app_ids:
                shutil.rmtree(directory, ignore_errors=True)
            else:
                _prune(directory)


def _end_of(lines: Iterable[LogLine]) -> deque[bytes]:
    """A line that is longer than a file keeps its beginning."""
    kept: deque[bytes] = deque()
    size = 0
    for line in lines:
        row = f"{line.timestamp.isoformat()} {line.stream} {line.message}".replace("\n", " ").encode()[: MOST_BYTES - 1]
        kept.append(row + b"\n")
        size += len(row) + 1
        while size > MOST_BYTES:
            size -= len(kept.popleft())
    return kept


def _line(row: str) -> LogLine:
    moment, stream, message = row.split(" ", 2)
    return LogLine(datetime.fromisoformat(moment), stream, message)


def _prune(directory: Path) -> None:
    by_age = sorted(((path.stat().st_mtime, path) for path in directory.glob(f"*{_SUFFIX}")), reverse=True)
    oldest = time.time() - _KEPT_SECONDS
    for number, (at, path) in enumerate(by_age):
        if number >= MOST_FILES or at < oldest:
            path.unlink(missing_ok=True)
