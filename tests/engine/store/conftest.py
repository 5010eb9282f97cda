"""The store on a real PostgreSQL: a new database for each test."""

from collections.abc import Iterator

import pytest

from slipyard.store.database import Database
from tests.prepared_databases import prepared_postgres_url


@pytest.fixture
def database() -> Iterator[Database]:
    opened = Database(prepared_postgres_url())
    yield opened
    opened.dispose()
