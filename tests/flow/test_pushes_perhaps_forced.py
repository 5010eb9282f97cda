"""Watch paths where the provider says of no push whether it was forced: what such a push takes back stands in no list of
files, so a list that would stop it is compared with the repository."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from slipyard.domain.app import AppConfig
from slipyard.domain.source import Source
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.pushes.push_seen import PushDecision, PushSeen
from slipyard.pipeline.pushes.receive_push import receive_push
from tests.flow.elsewhere import HOST, GitElsewhere
from tests.flow.repository import Repository
from tests.flow.system import System
from tests.flow.test_push_decisions import QUICK

URL = f"https://{HOST}/shop.git"
WORDS = ("README.md",)


@pytest.fixture
async def system(system: System, repository: Repository) -> AsyncIterator[System]:
    system.git = GitElsewhere(system.context.layout.known_hosts, system.clock)
    system.git.copies[URL] = repository.path
    system.context = replace(system.context, git=system.git)
    return system


@pytest.fixture
async def app_id(system: System, repository: Repository) -> str:
    """Its second commit is live."""
    config = AppConfig(source=Source(repo_url=URL), health_check=QUICK, watch_paths=["*.py"])
    made = (await create_app(system.context, NewApp("shop", config=config, deploy=False), system.actor)).app.id
    one = repository.commit("one", main__py="1")
    await told(system, made, one, None, None)
    two = repository.commit("two", main__py="2")
    assert (await told(system, made, two, one, ("main.py",))).status == "deployed"
    await system.settle()
    return made


async def told(
    system: System, app_id: str, commit: str, previous: str | None, paths: tuple[str, ...] | None
) -> PushDecision:
    seen = PushSeen(app_id, "refs/heads/main", commit, previous, "gitlab", "dev", paths=paths, may_be_forced=True)
    return await receive_push(system.context, seen)


async def test_one_that_takes_a_watched_file_back_deploys(system: System, app_id: str, repository: Repository) -> None:
    two = repository.git("rev-parse", "HEAD")
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    instead = repository.commit("words", README__md="1")

    assert (await told(system, app_id, instead, two, WORDS)).status == "deployed"


async def test_one_that_goes_on_is_skipped_with_what_changed(
    system: System, app_id: str, repository: Repository
) -> None:
    two = repository.git("rev-parse", "HEAD")
    three = repository.commit("words", README__md="1")

    decision = await told(system, app_id, three, two, WORDS)

    assert (decision.status, "README.md" in decision.message) == ("skipped", True)


async def test_where_the_host_is_away_it_deploys_as_nobody_knows(
    system: System, app_id: str, repository: Repository
) -> None:
    two = repository.git("rev-parse", "HEAD")
    system.git.copies.clear()

    assert (await told(system, app_id, "3" * 40, two, WORDS)).status == "deployed"


async def test_a_list_that_deploys_is_believed_without_asking_anybody(
    system: System, app_id: str, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = repository.git("rev-parse", "HEAD")
    monkeypatch.setattr(GitElsewhere, "fetch", None)

    assert (await told(system, app_id, "3" * 40, two, ("main.py",))).status == "deployed"
