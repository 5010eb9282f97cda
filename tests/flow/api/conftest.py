"""What tests of the API begin with."""

from collections.abc import AsyncIterator, Iterator

import pytest

from slipyard.webhooks import verdicts
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.conftest import DATABASES, for_one_test
from tests.flow.system import System

# Refused before any database is asked, about streams, files and words alone, or with rows that other tests write on both:
# one database shows it.
ON_SQLITE = {
    f"tests.flow.api.test_{name}"
    for name in (
        *("api_errors", "api_forbidden_sources", "api_scopes", "api_streams", "ci_examples", "git_remote_refusals"),
        *("webhook_mutations", "webhook_receivers", "webhook_refusals", "webhook_github"),
        *("api_pages", "cli_webhooks", "api_git_credentials"),
    )
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_url" in metafunc.fixturenames:
        module = metafunc.module.__name__
        metafunc.parametrize("database_url", ["sqlite"] if module in ON_SQLITE else list(DATABASES), indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    yield from for_one_test(request.param)


@pytest.fixture
async def api(system: System) -> AsyncIterator[ApiServer]:
    async with serving(system) as server:
        yield server


@pytest.fixture
async def quiet_api(system: System) -> AsyncIterator[ApiServer]:
    """Without workers: what is accepted stays as it is."""
    async with serving(system, working=False) as server:
        yield server


@pytest.fixture(autouse=True)
def patient_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a decision may take longer than a provider would wait; what it says is what is tested."""
    monkeypatch.setattr(verdicts, "ANSWER_SECONDS", 60.0)
