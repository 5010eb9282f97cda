"""What a store of secrets must do."""

from typing import Protocol


class SecretStore(Protocol):
    async def read(self, key: str) -> str:
        """The value as it is now. `SecretRefused` where there is none, or it may not be had; `Unavailable` where the store
        does not answer, so that the same call may succeed later."""

    async def renew(self) -> None:
        """Keeps what lets us in from expiring. Nothing to do for most."""
