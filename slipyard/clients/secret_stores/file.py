"""Secrets as files in one directory, as orchestrators and `sops` leave them."""

import asyncio
from pathlib import Path

from slipyard.domain.errors import SecretRefused, Unavailable
from slipyard.domain.secret_store import MOST_SECRET_BYTES, FileStore


class FileSecrets:
    def __init__(self, settings: FileStore) -> None:
        self._directory = Path(settings.directory)

    async def read(self, key: str) -> str:
        """Without the newline at its end, which editors add. Links are followed as long as they stay in the directory."""
        return await asyncio.to_thread(self._read, key)

    async def renew(self) -> None:
        pass

    def _read(self, key: str) -> str:
        root = self._directory.resolve()
        if not root.is_dir():
            raise Unavailable(f"The directory {self._directory} of secrets is not there. Is it mounted?")
        path = (root / key).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise SecretRefused(f"There is no file {key} in {self._directory}. Check the key.")
        with path.open("rb") as file:
            content = file.read(MOST_SECRET_BYTES + 1)
        if len(content) > MOST_SECRET_BYTES:
            raise SecretRefused(f"{path} has more than {MOST_SECRET_BYTES} bytes: that is no secret.")
        try:
            return content.decode().removesuffix("\n")
        except UnicodeDecodeError:
            raise SecretRefused(f"{path} is no text in UTF-8. Encode it, for instance as Base64.") from None
