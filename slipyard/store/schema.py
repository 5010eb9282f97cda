"""Which schema this program needs, and whether a database has it. Alembic stays out of here: it costs each process
10 MB and 0.3 s, and only an upgrade needs it."""

import importlib
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from slipyard.domain.errors import SystemFault, Unavailable
from slipyard.store.database import Database, migration_engine

NEWEST = "0003"  # the last file in migrations/versions; a test says so


def bring_up_to_date(url: URL, backups: Path) -> None:
    """The caller holds the installation's lock. Raises what `migration.migrate` raises."""
    if revision_of(url) != NEWEST:
        importlib.import_module("slipyard.store.migration").migrate(url, backups)


def revision_of(url: URL) -> str | None:
    """None where the database was never prepared. Raises `Unavailable` where it does not answer."""
    engine = migration_engine(url)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return found
    except SQLAlchemyError as error:
        raise Unavailable(
            f"The database {url.render_as_string(hide_password=True)} cannot be opened ({type(error).__name__}). Check"
            " that it runs and that SLIPYARD_DATABASE_URL is right."
        ) from error
    finally:
        engine.dispose()


def require_newest(database: Database) -> None:
    """Raises `SystemFault` where the database has another schema than this program."""
    present = revision_of(database.url)
    if present != NEWEST:
        raise SystemFault(
            f"The database has schema {present or 'none'}, this program needs {NEWEST}. Start it with the same version"
            " of Slipyard as `slipyard up`, which prepares and upgrades the database."
        )
