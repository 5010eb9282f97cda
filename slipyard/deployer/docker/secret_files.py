"""Secret files: on a file system in memory, where containers of their release mount them, read-only.

`tmpfs` mounts of the engine start empty, and empty again after each crash; a volume in memory loses what is in it when its
last container stops. Files of the machine stay until the machine goes down, and are laid there again before each start.
"""

import asyncio
import os
import shutil
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from slipyard.clients.container_engine import FileMount
from slipyard.deployer.driver import InstanceSpec
from slipyard.domain.configuration import SecretFile
from slipyard.domain.errors import SystemFault

IN_MEMORY = Path("/dev/shm/slipyard")  # noqa: S108 - its mode and its owner are checked


class SecretFiles:
    """`root` belongs to all installations of a machine; each has a directory of its own in it."""

    def __init__(self, root: Path, installation_id: str) -> None:
        self._root = root
        self._own = root / installation_id

    def mounts(self, spec: InstanceSpec) -> tuple[FileMount, ...]:
        return tuple(FileMount(str(place), file.path) for place, file in self._places(spec))

    async def lay(self, spec: InstanceSpec) -> None:
        """There already is done: a file that a container has mounted is not made anew."""
        if spec.files:
            await asyncio.to_thread(self._lay, spec)

    async def keep_only(self, release_ids: Collection[str]) -> None:
        await asyncio.to_thread(self._keep_only, release_ids)

    def _lay(self, spec: InstanceSpec) -> None:
        for directory in (self._root, self._own, self._own / spec.release_id):
            _own_directory(directory)
        for place, file in self._places(spec):
            if file.service is not None:
                _own_directory(place.parent)
            _write(place, file)

    def _places(self, spec: InstanceSpec) -> Iterator[tuple[Path, SecretFile]]:
        """What all services of a release are given is counted alike for all; what is one's own lies apart."""
        release = self._own / spec.release_id
        for number, file in enumerate(file for file in spec.files if file.service is None):
            yield release / str(number), file
        for number, file in enumerate(file for file in spec.files if file.service is not None):
            yield release / f"of-{file.service}" / str(number), file

    def _keep_only(self, release_ids: Collection[str]) -> None:
        for directory in self._own.iterdir() if self._own.is_dir() else ():
            if directory.name not in release_ids:
                shutil.rmtree(directory, ignore_errors=True)


def _own_directory(path: Path) -> None:
    """Everybody may write where it lies: whose it is decides."""
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise SystemFault(
            f"{path} is not a directory of Slipyard's own, so no secret is written there. Remove it, or set"
            " SLIPYARD_SECRET_FILES to another one in memory."
        )
    if stat.S_IMODE(found.st_mode) & 0o077:  # as an engine makes what it mounts from
        path.chmod(0o700)


def _write(path: Path, file: SecretFile) -> None:
    if path.exists() and path.read_text() == file.content:
        return
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as written:
        written.write(file.content)
        os.fchmod(written.fileno(), file.mode)
    part.rename(path)
