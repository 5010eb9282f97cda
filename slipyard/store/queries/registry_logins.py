"""Logins at registries: one for each host of an organization."""

from sqlmodel import Session, col, select

from slipyard.domain.credentials import Credentials
from slipyard.domain.errors import NotFound
from slipyard.store.cipher import Cipher
from slipyard.store.tables import RegistryLogin


def list_logins(session: Session, organization_id: str) -> list[RegistryLogin]:
    """By host."""
    query = select(RegistryLogin).where(RegistryLogin.organization_id == organization_id)
    return list(session.exec(query.order_by(col(RegistryLogin.host))))


def find_login(session: Session, organization_id: str, id_or_host: str) -> RegistryLogin:
    """Raises `NotFound` also for one of somebody else."""
    query = select(RegistryLogin).where(RegistryLogin.organization_id == organization_id)
    named = query.where((col(RegistryLogin.id) == id_or_host) | (col(RegistryLogin.host) == id_or_host))
    found = session.exec(named).first()
    if found is None:
        raise NotFound(f"There is no login for the registry {id_or_host!r}; GET /v1/registries lists them.")
    return found


def credentials_by_host(session: Session, cipher: Cipher, organization_id: str) -> dict[str, Credentials]:
    """Opened: for the registry that each is for, and no other."""
    rows = list_logins(session, organization_id)
    return {row.host: Credentials(row.username, cipher.decrypt(row.secret_encrypted).decode()) for row in rows}
