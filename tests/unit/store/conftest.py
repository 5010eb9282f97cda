"""The store on SQLite files. `tests/engine/store` runs the same tests on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipyard.store.database import Database, sqlite_url
from slipyard.store.schema import bring_up_to_date


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = sqlite_url(tmp_path / "slipyard.db")
    bring_up_to_date(url, tmp_path / "backups")
    opened = Database(url)
    yield opened
    opened.dispose()
