import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.installation import Installation, purge_installation, start_installation
from tests.engine.whole_app import WholeApp, new_app
from tests.flow.repository import Repository


@pytest.fixture(scope="session")
def slipyard() -> Iterator[Installation]:
    """One installation for all tests that do not break it."""
    with tempfile.TemporaryDirectory(prefix="slipyard-engine-") as directory:
        installation = start_installation(Path(directory) / "home")
        yield installation
        purge_installation(installation)


@pytest.fixture
def own_slipyard(tmp_path: Path) -> Iterator[Installation]:
    """One for a test that kills parts of it."""
    installation = start_installation(tmp_path / "home")
    yield installation
    purge_installation(installation)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "work")


@pytest.fixture
def whole_app(slipyard: Installation, repository: Repository) -> Iterator[WholeApp]:
    """A name and a repository in the installation that all tests share; there is no app yet."""
    app = new_app(slipyard, repository)
    yield app
    app.delete()


@pytest.fixture
def own_app(own_slipyard: Installation, repository: Repository) -> WholeApp:
    """The same in an installation that the test may break."""
    return new_app(own_slipyard, repository)
