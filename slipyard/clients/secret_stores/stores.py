"""The store that settings mean."""

from collections.abc import Sequence

from slipyard.clients.secret_stores.command import CommandSecrets
from slipyard.clients.secret_stores.file import FileSecrets
from slipyard.clients.secret_stores.secret_store import SecretStore
from slipyard.clients.secret_stores.vault import VaultSecrets
from slipyard.domain.network_rules import Network
from slipyard.domain.secret_store import CommandStore, FileStore, StoreSettings


def open_store(settings: StoreSettings, networks: Sequence[Network]) -> SecretStore:
    """Asks nothing yet. `networks` are the private ones that a Vault may lie in."""
    match settings:
        case FileStore():
            return FileSecrets(settings)
        case CommandStore():
            return CommandSecrets(settings)
        case _:
            return VaultSecrets(settings, networks)
