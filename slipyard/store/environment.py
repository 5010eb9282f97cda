"""The environment of an app: values encrypted, names and fingerprints in the open."""

import json
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from slipyard.domain.naming import check_env_name
from slipyard.store.cipher import Cipher
from slipyard.store.events import lock_app
from slipyard.store.tables import EnvVar


def seal_env(cipher: Cipher, env: dict[str, str]) -> bytes:
    return cipher.encrypt(json.dumps(env, sort_keys=True).encode())


def open_env(cipher: Cipher, sealed: bytes) -> dict[str, str]:
    """Empty where the values were erased with their app."""
    found: dict[str, str] = json.loads(cipher.decrypt(sealed)) if sealed else {}
    return found


def env_of(session: Session, cipher: Cipher, app_id: str) -> dict[str, str]:
    return {row.name: cipher.decrypt(row.value_encrypted).decode() for row in _rows(session, app_id)}


def env_fingerprints(session: Session, app_id: str) -> dict[str, str]:
    query = select(EnvVar.name, EnvVar.fingerprint).where(EnvVar.app_id == app_id).order_by(col(EnvVar.name))
    return {name: fingerprint for name, fingerprint in session.exec(query)}  # noqa: C416 - rows, not pairs, to mypy


def set_env(
    session: Session, cipher: Cipher, app_id: str, changes: dict[str, str | None], *, replace: bool, now: datetime
) -> set[str]:
    """The names whose values changed. None removes a name; `replace` removes also what `changes` does not name."""
    lock_app(session, app_id)
    present = {row.name: cipher.decrypt(row.value_encrypted).decode() for row in _rows(session, app_id)}
    wanted = {check_env_name(name): value for name, value in changes.items() if value is not None}
    unwanted = set(present) - set(wanted) if replace else {name for name in changes if name not in wanted}
    removed = unwanted & set(present)
    written = {name for name, value in wanted.items() if present.get(name) != value}
    for name in written:
        session.merge(_sealed(cipher, app_id, name, wanted[name], now=now))
    session.execute(delete(EnvVar).where(col(EnvVar.app_id) == app_id, col(EnvVar.name).in_(removed)))
    session.flush()
    return removed | written


def _sealed(cipher: Cipher, app_id: str, name: str, value: str, *, now: datetime) -> EnvVar:
    return EnvVar(
        app_id=app_id,
        name=name,
        value_encrypted=cipher.encrypt(value.encode()),
        fingerprint=cipher.fingerprint(value.encode()),
        updated_at=now,
    )


def _rows(session: Session, app_id: str) -> list[EnvVar]:
    return list(session.exec(select(EnvVar).where(EnvVar.app_id == app_id).order_by(col(EnvVar.name))))
