"""Backups in a directory: whole or not there, and on the disk before anybody is told that they are."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import BinaryIO

from slipyard.domain.errors import NotFound, Unavailable, UserError

_PIECE = 1024 * 1024


class DirectoryPlace:
    """A `BackupPlace`. `root` must be there unless it is ours to `make`: where a disk is not mounted, nothing fills the one
    below it."""

    def __init__(self, root: Path, *, make: bool = False) -> None:
        self._root, self._make = root, make

    async def put(self, name: str, content: AsyncIterator[bytes]) -> int:
        path = await asyncio.to_thread(self._prepare, name)
        part = path.with_name(f".{path.name}.part")
        size = 0
        try:
            file = await asyncio.to_thread(_opened, part)
            try:
                async for piece in content:
                    await asyncio.to_thread(file.write, piece)
                    size += len(piece)
                await asyncio.to_thread(_to_disk, file)
            finally:
                file.close()
            await asyncio.to_thread(_publish, part, path)
        except OSError as error:
            await asyncio.to_thread(part.unlink, missing_ok=True)
            raise Unavailable(
                f"The backup could not be written into {self._root}: {error.strerror}. Make room, or mend it."
            ) from error
        except BaseException:
            await asyncio.shield(asyncio.to_thread(part.unlink, missing_ok=True))
            raise
        return size

    async def get(self, name: str) -> AsyncGenerator[bytes, None]:
        path = self._root / name
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except FileNotFoundError:
            raise NotFound(f"There is no backup {path}. Somebody removed it; take another one.") from None
        except OSError as error:
            raise Unavailable(
                f"The backup {path} cannot be read: {error.strerror}. Mend it, or take another one."
            ) from error
        with file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece

    async def delete(self, name: str) -> None:
        await asyncio.to_thread((self._root / name).unlink, missing_ok=True)

    def _prepare(self, name: str) -> Path:
        path = self._root / name
        try:
            if self._make:
                self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif not self._root.is_dir():
                raise UserError(f"There is no directory {self._root} for backups. Make it, or mount its disk.")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"Backups cannot be written into {self._root}: {error.strerror}. Let Slipyard write there."
            ) from error
        return path


def _opened(part: Path) -> BinaryIO:
    return os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb")


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _publish(part: Path, path: Path) -> None:
    part.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
