"""No webhook, no push, no call: a commit at a real git host and a moved tag of a real registry go live by themselves."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.git_hosts import Repository as HostedRepository
from tests.engine.git_hosts import http_host
from tests.engine.installation import Installation, purge_installation, start_installation
from tests.engine.open_registry import open_registry
from tests.engine.test_whole_triggers import publish, tree
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp, new_app
from tests.flow.repository import Repository


@pytest.fixture(scope="module")
def looking() -> Iterator[Installation]:
    """One that looks every three seconds."""
    with tempfile.TemporaryDirectory(prefix="slipyard-polling-") as directory:
        installation = start_installation(Path(directory) / "home", SLIPYARD_POLL_SECONDS="3")
        yield installation
        purge_installation(installation)


@pytest.fixture
def app(looking: Installation, tmp_path: Path) -> Iterator[WholeApp]:
    made = new_app(looking, Repository(tmp_path / "work"))
    yield made
    made.delete()


def serves(app: WholeApp, text: str) -> bool:
    answer = app.slipyard.answer(app.slug)
    return answer.is_success and answer.text == text


def test_a_commit_that_no_webhook_told_of_goes_live(app: WholeApp, tmp_path: Path) -> None:
    root = tmp_path / "hosted"
    root.mkdir()
    hosted = HostedRepository.make(root)
    hosted.commit(tree("one"))
    secret = "s3cr3t-t0k3n"
    with http_host(root, password=secret) as host, app.slipyard.client() as client:
        body = {"name": app.slug, "host": f"127.0.0.1:{host.port}", "token": secret}
        credential = client.post("/git-credentials", json=body).raise_for_status().json()
        created = app.create(source={"repo_url": host.url(), "credential_id": credential["id"]})
        app.wait_status(created["deployments"][0], "active")
        wait_until(lambda: (app.get()["poll"] or {}).get("seen"))

        commit = hosted.commit(tree("two"))

        wait_until(lambda: serves(app, "two"))
        newest = app.deployments()[0]
        assert (newest["trigger"], newest["commit"]) == ("poll", commit)
        assert len(app.deployments()) == 2
        assert app.get()["has_git_access"]


def test_a_tag_that_moved_goes_live(app: WholeApp, tmp_path: Path) -> None:
    with open_registry(tmp_path) as registry:
        name = publish(registry, "one", "followed")
        app.wait_status(app.create(image=name)["deployments"][0], "active")
        wait_until(lambda: (app.get()["poll"] or {}).get("seen"))

        publish(registry, "two", "followed")

        wait_until(lambda: serves(app, "two"))
        assert [row["trigger"] for row in app.deployments()] == ["poll", "create"]
