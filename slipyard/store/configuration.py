"""The configuration of an app: what is in force, and every version of it. The one place that writes either."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import delete
from sqlmodel import Session, col, select

from slipyard.domain.configuration import Configuration, Secret, VersionEntry
from slipyard.domain.configuration_difference import changed_names
from slipyard.domain.errors import NotFound
from slipyard.domain.naming import check_env_name
from slipyard.store.cipher import Cipher
from slipyard.store.events import lock_app
from slipyard.store.queries.paging import page
from slipyard.store.tables import App, ConfigVersion, EnvVar, SecretRow

MOST_VERSIONS = 200  # of an app; the oldest go
_FIRST = "What there was before versions were kept."
Row = TypeVar("Row", EnvVar, SecretRow)


@dataclass(frozen=True)
class By:
    """Who changes it, and what he says that he does: `summary` empty names what changed."""

    actor: str
    now: datetime
    summary: str = ""


def configuration_of(session: Session, cipher: Cipher, app_id: str) -> Configuration:
    return Configuration(
        env={row.name: cipher.decrypt(row.value_encrypted).decode() for row in _rows(session, EnvVar, app_id)},
        secrets={row.name: _opened(cipher, row) for row in _rows(session, SecretRow, app_id)},
    )


def secret_rows(session: Session, app_id: str) -> list[SecretRow]:
    """By name."""
    return _rows(session, SecretRow, app_id)


def write_configuration(
    session: Session, cipher: Cipher, app_id: str, wanted: Configuration, by: By
) -> set[tuple[str, str]]:
    """Makes it what is in force, and a version, in the caller's transaction. What changed, as (kind, name)."""
    lock_app(session, app_id)
    for name in (*wanted.env, *wanted.secrets):
        check_env_name(name)
    before = configuration_of(session, cipher, app_id)
    changed = changed_names(before, wanted)
    if not changed:
        return changed
    app = session.get_one(App, app_id)
    if app.last_config == 0 and before != Configuration():
        _add_version(session, cipher, app, before, By("slipyard", by.now, _FIRST))
    _write_variables(session, cipher, app_id, before, wanted, by.now)
    _write_secrets(session, cipher, app_id, before, wanted, by.now)
    _add_version(session, cipher, app, wanted, by, changed)
    return changed


def list_versions(session: Session, app_id: str, limit: int, offset: int) -> tuple[list[ConfigVersion], int]:
    """Newest first."""
    query = select(ConfigVersion).where(ConfigVersion.app_id == app_id)
    return page(session, query.order_by(col(ConfigVersion.number).desc()), limit, offset)


def find_version(session: Session, app: App, number: int) -> ConfigVersion:
    row = session.get(ConfigVersion, (app.id, number))
    if row is None:
        raise NotFound(
            f"{app.slug} has no version {number} of its configuration. `slipyard config history` lists them."
        )
    return row


def content_of(cipher: Cipher, row: ConfigVersion) -> Configuration:
    return Configuration.model_validate_json(cipher.decrypt(row.content_encrypted))


def secret_fingerprint(cipher: Cipher, secret: Secret) -> str:
    """Of the value, or of where it is read; how it is used counts too, or a change of that would go unseen."""
    return cipher.fingerprint(secret.model_dump_json().encode())


def entries_of(cipher: Cipher, configuration: Configuration) -> list[VersionEntry]:
    """Variables first, each kind by name."""
    return [
        *(
            VersionEntry(kind="variable", name=name, fingerprint=cipher.fingerprint(value.encode()))
            for name, value in sorted(configuration.env.items())
        ),
        *(
            VersionEntry(kind="secret", name=name, fingerprint=secret_fingerprint(cipher, secret))
            for name, secret in sorted(configuration.secrets.items())
        ),
    ]


def _add_version(
    session: Session,
    cipher: Cipher,
    app: App,
    content: Configuration,
    by: By,
    changed: AbstractSet[tuple[str, str]] = frozenset(),
) -> None:
    app.last_config += 1
    names = ", ".join(sorted({name for _, name in changed}))
    row = ConfigVersion(
        app_id=app.id,
        number=app.last_config,
        content_encrypted=cipher.encrypt(content.model_dump_json().encode()),
        entries=entries_of(cipher, content),
        actor=by.actor,
        summary=by.summary or f"Changed {names}.",
        created_at=by.now,
    )
    session.add_all([app, row])
    too_old = col(ConfigVersion.number) <= app.last_config - MOST_VERSIONS
    session.execute(delete(ConfigVersion).where(col(ConfigVersion.app_id) == app.id, too_old))
    session.flush()


def _write_variables(
    session: Session, cipher: Cipher, app_id: str, before: Configuration, wanted: Configuration, now: datetime
) -> None:
    for name, value in wanted.env.items():
        if before.env.get(name) != value:
            sealed, mark = cipher.encrypt(value.encode()), cipher.fingerprint(value.encode())
            row = EnvVar(app_id=app_id, name=name, value_encrypted=sealed, fingerprint=mark, updated_at=now)
            session.merge(row)
    removed = before.env.keys() - wanted.env.keys()
    session.execute(delete(EnvVar).where(col(EnvVar.app_id) == app_id, col(EnvVar.name).in_(removed)))
    session.flush()


def _write_secrets(
    session: Session, cipher: Cipher, app_id: str, before: Configuration, wanted: Configuration, now: datetime
) -> None:
    for name, secret in wanted.secrets.items():
        if before.secrets.get(name) != secret:
            sealed, mark = cipher.encrypt(secret.model_dump_json().encode()), secret_fingerprint(cipher, secret)
            row = SecretRow(app_id=app_id, name=name, content_encrypted=sealed, fingerprint=mark, updated_at=now)
            session.merge(row)
    removed = before.secrets.keys() - wanted.secrets.keys()
    session.execute(delete(SecretRow).where(col(SecretRow.app_id) == app_id, col(SecretRow.name).in_(removed)))
    session.flush()


def _opened(cipher: Cipher, row: SecretRow) -> Secret:
    return Secret.model_validate_json(cipher.decrypt(row.content_encrypted))


def _rows(session: Session, kind: type[Row], app_id: str) -> list[Row]:
    return list(session.exec(select(kind).where(col(kind.app_id) == app_id).order_by(col(kind.name))))
