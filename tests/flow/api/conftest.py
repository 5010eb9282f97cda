"""What tests of the API begin with. SQLite only: both databases are driven by the tests of the pipeline."""

from collections.abc import AsyncIterator

import pytest

from slipyard.webhooks import verdicts
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.system import System


@pytest.fixture
def database_url() -> None:
    return None


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
