"""Brings a database to the newest schema: all steps in one transaction, so that it is the old one or the new one."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL

from slipyard.domain.errors import SystemFault
from slipyard.store.database import migration_engine

_SCRIPTS = Path(__file__).parent / "migrations"
_POSTGRES_LOCK = 0x736C7970  # "slyp": one migration at a time on a server that several machines share


def migrate(url: URL, backups: Path) -> None:
    """`schema.bring_up_to_date` calls this where it is needed. Needs the caller to hold the installation's lock. SQLite is copied into `backups` before its schema changes.

    Raises `SystemFault` where the schema is newer than this program, or rows point to nothing afterwards.
    """
    engine = migration_engine(url)
    try:
        _back_up(url, _revision_of(engine), backups)
        with begin_migration(engine) as connection:
            _refuse_newer(connection)
            command.upgrade(alembic_config(connection), "head")
            _check_foreign_keys(connection)
    finally:
        engine.dispose()


def newest_revision() -> str | None:
    return ScriptDirectory(str(_SCRIPTS)).get_current_head()


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def begin_migration(engine: Engine) -> Iterator[Connection]:
    """On SQLite, where Python would commit before each change of the schema, we begin the transaction ourselves."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})")
        yield connection


def _leave_transactions_to_us(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None


def _revision_of(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(connection: Connection) -> None:
    present = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions()}
    if present is not None and present not in known:
        raise SystemFault(
            f"The database has schema {present}, which this version of Slipyard does not know: a newer one has upgraded"
            " it. Install that version again, or restore the backup that it made before the upgrade."
        )


def _back_up(url: URL, revision: str | None, backups: Path) -> None:
    """SQLite's own online copy. A PostgreSQL server has its own backups, and its schema changes are transactional."""
    if url.get_backend_name() != "sqlite" or revision is None:
        return
    backups.mkdir(mode=0o700, exist_ok=True)
    copy = backups / f"before-upgrade-from-{revision}.db"
    with closing(sqlite3.connect(str(url.database))) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    copy.chmod(0o600)


def _check_foreign_keys(connection: Connection) -> None:
    """They are off while tables are made anew; PostgreSQL checks them always."""
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise SystemFault(
            f"The upgrade of the database was undone: it would leave {len(broken)} rows that point to nothing, the first"
            f" in table {broken[0][0]}. Please report this, with the version that you came from."
        )
