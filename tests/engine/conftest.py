import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.engine.installation import Installation, purge_installation, start_installation
from tests.engine.spare_installation import SpareInstallation
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
def new_slipyard(tmp_path: Path) -> Iterator[Installation]:
    """One that nobody has used yet."""
    installation = start_installation(tmp_path / "home")
    yield installation
    purge_installation(installation)


@pytest.fixture(scope="session")
def spare_installation() -> Iterator[SpareInstallation]:
    with tempfile.TemporaryDirectory(prefix="slipyard-engine-") as directory:
        spare = SpareInstallation(Path(directory))
        yield spare
        spare.purge()


@pytest.fixture
def own_slipyard(spare_installation: SpareInstallation) -> Installation:
    """One for a test that kills parts of it: no other test uses it at the same time."""
    return spare_installation.whole()


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
def own_app(own_slipyard: Installation, repository: Repository) -> Iterator[WholeApp]:
    """The same in an installation that the test may break."""
    app = new_app(own_slipyard, repository)
    yield app
    with suppress(httpx.TransportError):  # the test may have left it broken
        app.delete()
