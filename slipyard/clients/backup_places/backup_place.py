"""One place for backups, whatever it is."""

from collections.abc import AsyncIterator
from typing import Protocol


class BackupPlace(Protocol):
    """Names are relative paths. `Unavailable` where it does not answer or is full, `UserError` where it says no."""

    async def put(self, name: str, content: AsyncIterator[bytes]) -> int:
        """How many bytes. There under its name only when it is whole."""

    def get(self, name: str) -> AsyncIterator[bytes]:
        """`NotFound` before the first piece where it is not there."""

    async def delete(self, name: str) -> None:
        """Gone already is done."""
