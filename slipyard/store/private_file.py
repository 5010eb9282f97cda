"""Files that only the installation's own user may read, whole or not there at all."""

import os
import tempfile
from pathlib import Path


def create_private(path: Path, content: bytes) -> bool:
    """Writes `path` with mode 0600 unless it exists; False where it did. No reader ever sees half of it."""
    draft = _draft(path, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    _keep_name(path)
    return True


def replace_private(path: Path, content: bytes) -> None:
    """Puts `content` in the place of `path`, mode 0600."""
    _draft(path, content).replace(path)
    _keep_name(path)


def _draft(path: Path, content: bytes) -> Path:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _keep_name(path: Path) -> None:
    """A name in a directory survives a power cut only once the directory itself is synced."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
