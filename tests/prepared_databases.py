"""Databases with our schema: migrations run once in a test session, their result is copied for each test."""

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy.engine import make_url

from slipyard.store.database import sqlite_url
from slipyard.store.schema import bring_up_to_date
from tests.postgres import postgres_url


def write_prepared_sqlite(path: Path) -> None:
    """As `open_installation` would leave it: ours alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(_sqlite())


def prepared_postgres_url() -> str:
    return postgres_url(template=_postgres())


@cache
def _sqlite() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "prepared.db"
        bring_up_to_date(sqlite_url(path), Path(directory) / "backups")
        assert [each.name for each in Path(directory).glob("prepared.db*")] == [path.name], "all of it is in one file"
        return path.read_bytes()


@cache
def _postgres() -> str:
    """The name of the database that others are copies of; nobody is connected to it."""
    url = make_url(postgres_url())
    bring_up_to_date(url, Path("unused: a new database needs no copy"))
    return str(url.database)
