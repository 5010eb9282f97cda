"""What a push asks is noted before git may move a ref, so that it outlives whoever receives it.

A note is a file that its receiver holds locked (flock(2)): the lock ends with the process, however that dies. Blocking.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from slipyard.domain.ids import new_id
from slipyard.domain.layout import Layout
from slipyard.domain.ref_update import RefUpdate
from slipyard.pipeline.pushes.stored_push import AskedPush

_SUFFIX = ".json"


class PushNote:
    """Held by whoever receives the push."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor

    @classmethod
    def write(cls, layout: Layout, asked: AskedPush) -> "PushNote":
        directory = _directory(layout)
        directory.mkdir(mode=0o700, exist_ok=True)
        path = directory / f"{new_id('psh')}{_SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with os.fdopen(os.dup(descriptor), "w") as file:
            json.dump(asdict(asked), file)
            file.flush()
            os.fsync(descriptor)
        return cls(path, descriptor)

    def decided(self) -> None:
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """What is not decided is found by the controller from here on."""
        os.close(self._descriptor)


def left_notes(layout: Layout) -> Iterator[tuple[Path, AskedPush | None]]:
    """Those that nobody holds. None for one whose writer died over it: then no ref has moved."""
    for path in sorted(_directory(layout).glob(f"*{_SUFFIX}")):
        with suppress(FileNotFoundError, BlockingIOError), path.open() as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield path, _read(file.read())


def _directory(layout: Layout) -> Path:
    return layout.repositories / "pushes"


def _read(text: str) -> AskedPush | None:
    try:
        given = json.loads(text)
    except ValueError:
        return None
    return AskedPush(**given | {"updates": [RefUpdate(**update) for update in given["updates"]]})
