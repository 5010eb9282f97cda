"""One data directory with everything that belongs to one installation: made once, upgraded in place, opened by every part."""

import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import URL, make_url
from sqlmodel import Session, col, select

from slipyard import __version__
from slipyard.domain.errors import SystemFault
from slipyard.domain.ids import new_id
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings
from slipyard.store.cipher import Cipher, load_cipher
from slipyard.store.database import Database, sqlite_url
from slipyard.store.private_file import create_private, replace_private
from slipyard.store.schema import bring_up_to_date, require_newest
from slipyard.store.tables import Organization, Token
from slipyard.store.tokens import add_token, digest_of, is_usable, new_secret

DEFAULT_ORGANIZATION = "default"
_ID_BYTES = 5  # 10 hex digits: enough to tell installations apart in one engine, short enough for its names


@dataclass(frozen=True)
class Installation:
    """`database` has the newest schema. Call `close` when done, and before a fork."""

    id: str
    settings: Settings
    layout: Layout
    database: Database
    cipher: Cipher

    def close(self) -> None:
        self.database.dispose()


def open_installation(settings: Settings) -> Installation:
    """Makes what is missing and upgrades what is older; for `slipyard up`, before the parts start.

    Raises `SystemFault` where a newer version has used this directory, or its key is gone.
    """
    layout = Layout(settings.home)
    _make_directories(layout)
    with _only_one(layout):
        identifier = _identify(layout)
        _refuse_lost_key(layout)
        cipher = load_cipher(layout.secret_key)
        if settings.database_url is None:
            layout.database.touch(mode=0o600)  # SQLite gives its other files the mode of the first
        bring_up_to_date(database_url(settings), layout.home / "backups")
        database = Database(database_url(settings))
        with database.write() as session:
            _make_administrator(session, layout, datetime.now(UTC))
        _write_identity(layout, identifier)
    return Installation(identifier, settings, layout, database, cipher)


def load_installation(settings: Settings) -> Installation:
    """For the parts: changes nothing. Raises `SystemFault` where `slipyard up` has not prepared the directory."""
    layout = Layout(settings.home)
    if not layout.installation.exists():
        raise SystemFault(f"{layout.home} is not an installation of Slipyard yet; `slipyard up` makes it one.")
    identifier = _identify(layout)
    _refuse_lost_key(layout)
    database = Database(database_url(settings))
    require_newest(database)
    return Installation(identifier, settings, layout, database, load_cipher(layout.secret_key))


def database_url(settings: Settings) -> URL:
    """SQLite in the data directory unless told otherwise. `postgres://` and `postgresql://` mean our driver, psycopg."""
    if settings.database_url is None:
        return sqlite_url(Layout(settings.home).database)
    url = make_url(settings.database_url)
    return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgres", "postgresql"} else url


def _make_directories(layout: Layout) -> None:
    """All of them only for us: sources and logs hold other people's work, sockets and keys open doors."""
    parts = (layout.run, layout.routes, layout.repositories, layout.snapshots, layout.logs)
    layout.home.mkdir(parents=True, exist_ok=True)
    for directory in (layout.home, *parts, layout.logs / "builds", layout.logs / "deployments"):
        directory.mkdir(exist_ok=True)
        directory.chmod(0o700)


@contextmanager
def _only_one(layout: Layout) -> Iterator[None]:
    """The kernel gives the lock back when its holder dies, however it dies."""
    descriptor = os.open(layout.run / "installation.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _identify(layout: Layout) -> str:
    """The id of this installation, new where there is none yet."""
    if not layout.installation.exists():
        return secrets.token_hex(_ID_BYTES)
    try:
        written = json.loads(layout.installation.read_text())
        identifier, version = str(written["id"]), str(written["version"])
    except (ValueError, KeyError, TypeError):
        raise SystemFault(
            f'{layout.installation} is damaged: it must hold {{"id": ..., "version": ...}}. Put it back from a backup;'
            " the id is also in the names of the containers, as the label `slipyard.installation`."
        ) from None
    if _ordered(version) > _ordered(__version__):
        raise SystemFault(
            f"{layout.home} was last used by Slipyard {version}, which is newer than this one ({__version__}). Install"
            f" {version} or later again; going back needs the backup made before that upgrade."
        )
    return identifier


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _write_identity(layout: Layout, identifier: str) -> None:
    """Last, and only when something changed: its presence says that everything else is there."""
    content = json.dumps({"id": identifier, "version": __version__}).encode()
    if not layout.installation.exists() or layout.installation.read_bytes() != content:
        replace_private(layout.installation, content)


def _refuse_lost_key(layout: Layout) -> None:
    if layout.installation.exists() and not layout.secret_key.exists():
        raise SystemFault(
            f"{layout.secret_key} is gone, and without it the stored secrets cannot be read. Put it back from a backup."
            f" To begin anew without them, move {layout.home} away."
        )


def _make_administrator(session: Session, layout: Layout, now: datetime) -> None:
    """The default organization and its first token. The file comes first: a token that was lost before it was written
    down could never be shown again, while a file without a row is found here and stored."""
    organization = _default_organization(session, now)
    if not layout.admin_token.exists():
        if _has_administrator(session, organization.id, now):
            return
        create_private(layout.admin_token, f"{new_secret()}\n".encode())
    secret = layout.admin_token.read_text().strip()
    known = session.exec(select(Token.id).where(Token.digest == digest_of(secret))).first()
    if known is None and secret:
        add_token(session, organization.id, "administrator", ["admin"], secret, now=now)


def _default_organization(session: Session, now: datetime) -> Organization:
    found = session.exec(select(Organization).where(Organization.slug == DEFAULT_ORGANIZATION)).first()
    if found is not None:
        return found
    made = Organization(id=new_id("org"), slug=DEFAULT_ORGANIZATION, name="Default", created_at=now)
    session.add(made)
    session.flush()
    return made


def _has_administrator(session: Session, organization_id: str, now: datetime) -> bool:
    query = select(Token).where(Token.organization_id == organization_id, col(Token.revoked_at).is_(None))
    return any("admin" in token.scopes and is_usable(token, now) for token in session.exec(query))
