"""The store on a real PostgreSQL: a new database for each test."""

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import make_url

from slipyard.store.database import Database
from slipyard.store.schema import bring_up_to_date
from tests.postgres import postgres_url


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with our schema."""
    url = make_url(postgres_url())
    bring_up_to_date(url, tmp_path_factory.mktemp("backups"))
    return str(url.database)


@pytest.fixture
def database(prepared: str) -> Iterator[Database]:
    opened = Database(postgres_url(template=prepared))
    yield opened
    opened.dispose()
