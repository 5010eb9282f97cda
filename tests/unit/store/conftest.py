"""The store on SQLite files. `tests/engine/store` runs the same tests on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipyard.store.database import Database, sqlite_url
from tests.prepared_databases import write_prepared_sqlite


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "slipyard.db"
    write_prepared_sqlite(path)
    opened = Database(sqlite_url(path))
    yield opened
    opened.dispose()
