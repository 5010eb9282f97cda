"""The environment of an app: values encrypted, names and fingerprints in the open."""

import json
from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from slipyard.domain.configuration import SecretFile
from slipyard.store.cipher import Cipher
from slipyard.store.configuration import By, configuration_of, write_configuration
from slipyard.store.events import lock_app
from slipyard.store.tables import EnvVar


def seal_env(cipher: Cipher, env: dict[str, str]) -> bytes:
    return cipher.encrypt(json.dumps(env, sort_keys=True).encode())


def open_env(cipher: Cipher, sealed: bytes) -> dict[str, str]:
    """Empty where the values were erased with their app."""
    found: dict[str, str] = json.loads(cipher.decrypt(sealed)) if sealed else {}
    return found


def own_name(service: str, name: str) -> str:
    """What a variable of one service alone is called among those of a release: no variable's name has a slash."""
    return f"{service}/{name}"


def split_env(env: Mapping[str, str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Of a release: the app's, and by service what is given to that alone."""
    common: dict[str, str] = {}
    own: dict[str, dict[str, str]] = {}
    for given, value in env.items():
        service, slash, name = given.rpartition("/")
        if slash:
            own.setdefault(service, {})[name] = value
        else:
            common[given] = value
    return common, own


def seal_files(cipher: Cipher, files: list[SecretFile]) -> bytes:
    """Empty where there are none."""
    return cipher.encrypt(json.dumps([each.model_dump(exclude_none=True) for each in files]).encode()) if files else b""


def open_files(cipher: Cipher, sealed: bytes) -> tuple[SecretFile, ...]:
    rows = json.loads(cipher.decrypt(sealed)) if sealed else []
    return tuple(SecretFile.model_validate(row) for row in rows)


def env_of(session: Session, cipher: Cipher, app_id: str) -> dict[str, str]:
    """As it was written: references are not resolved."""
    return configuration_of(session, cipher, app_id).env


def env_fingerprints(session: Session, app_id: str) -> dict[str, str]:
    query = select(EnvVar.name, EnvVar.fingerprint).where(EnvVar.app_id == app_id).order_by(col(EnvVar.name))
    return {name: fingerprint for name, fingerprint in session.exec(query)}  # noqa: C416 - rows, not pairs, to mypy


def set_env(
    session: Session,
    cipher: Cipher,
    app_id: str,
    changes: dict[str, str | None],
    *,
    replace: bool,
    now: datetime,
    actor: str = "slipyard",
) -> set[str]:
    """The names whose values changed. None removes a name; `replace` removes also what `changes` does not name."""
    lock_app(session, app_id)
    before = configuration_of(session, cipher, app_id)
    env = merged_env(before.env, changes, replace=replace)
    changed = write_configuration(session, cipher, app_id, before.model_copy(update={"env": env}), By(actor, now))
    return {name for _, name in changed}


def merged_env(env: dict[str, str], changes: dict[str, str | None], *, replace: bool) -> dict[str, str]:
    kept = {} if replace else {name: value for name, value in env.items() if name not in changes}
    return kept | {name: value for name, value in changes.items() if value is not None}
