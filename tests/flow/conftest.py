from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.flow.repository import Repository
from tests.flow.system import System
from tests.postgres import drop_postgres
from tests.prepared_databases import prepared_postgres_url, write_prepared_sqlite

DATABASES: dict[str, Callable[[], str | None]] = {"sqlite": lambda: None, "postgresql": prepared_postgres_url}

# What any_sequence shows on SQLite, step by step, need not be shown there twice.
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """None is SQLite in the data directory: every promise holds on both."""
    yield from for_one_test(request.param)


def for_one_test(database: str) -> Iterator[str | None]:
    url = DATABASES[database]()
    yield url
    if url is not None:
        drop_postgres(url)


@pytest.fixture
async def system(tmp_path: Path, database_url: str | None) -> AsyncIterator[System]:
    if database_url is None:
        write_prepared_sqlite(tmp_path / "home" / "slipyard.db")
    made = System(tmp_path / "home", database_url)
    yield made
    made.installation.close()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work")
