"""What a plan looks at: the files of one directory of a snapshot, by paths relative to it."""

from collections.abc import Sequence

from slipyard.builder.snapshot_reader import SnapshotReader
from slipyard.domain.errors import SourceRefused

_MAXIMUM_FILE = 1024 * 1024


class SourceTree:
    """Blocking, like the reader below it."""

    def __init__(self, reader: SnapshotReader, subdirectory: str = "") -> None:
        self._reader = reader
        self._prefix = f"{subdirectory}/" if subdirectory else ""
        if not reader.is_directory(subdirectory):
            raise SourceRefused(f"There is no directory {subdirectory!r} in the source. Check the app's subdirectory.")

    def has(self, name: str) -> bool:
        return self._reader.is_file(self._prefix + name)

    def first_of(self, *names: str) -> str | None:
        return next((name for name in names if self.has(name)), None)

    def text(self, name: str) -> str:
        """The file's text, empty where there is none."""
        if not self.has(name):
            return ""
        return self._reader.read(self._prefix + name, _MAXIMUM_FILE).decode("utf-8-sig", errors="replace")

    def paths(self) -> Sequence[str]:
        start = len(self._prefix)
        return [path[start:] for path in self._reader.names() if path.startswith(self._prefix)]

    def top_level(self) -> Sequence[str]:
        return [path for path in self.paths() if "/" not in path]
