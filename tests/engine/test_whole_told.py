"""Whoever asked is told of real deployments: the commit at its code host, and a receiver of signed webhooks."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.engine.git_hosts import Repository as HostedRepository
from tests.engine.git_hosts import http_host
from tests.engine.github_like import GitHubLike, github_like
from tests.engine.waiting import wait_until
from tests.engine.whole_app import SERVES, WholeApp
from tests.flow.code_hosts.scripted_server import ScriptedServer

TOKEN = f"ghp_{secrets.token_hex(16)}"


@pytest.fixture
def hosted(tmp_path: Path) -> HostedRepository:
    root = tmp_path / "hosted"
    root.mkdir()
    return HostedRepository.make(root)


@pytest.fixture
def github(hosted: HostedRepository) -> Iterator[GitHubLike]:
    with http_host(hosted.bare.parent) as host, github_like(hosted.bare, host.port, TOKEN) as running:
        yield running


@pytest.fixture
def connected(whole_app: WholeApp, github: GitHubLike, tmp_path: Path) -> Iterator[GitHubLike]:
    """Its token comes from a file, as `slipyard connect` takes it."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    said = whole_app.slipyard.slipyard("connect", "github", "--url", github.url, "--token-file", str(file))
    assert "octocat" in said
    assert TOKEN not in said
    yield github
    whole_app.slipyard.slipyard("connections", "remove", github.url.removeprefix("http://"))


@pytest.fixture
def receiver(whole_app: WholeApp, tmp_path: Path) -> Iterator[tuple[ScriptedServer, Webhook]]:
    """A notifier of this test's app alone, since the installation is everybody's. Its URL comes from a file."""
    file, name, slipyard = tmp_path / "url", whole_app.slug, whole_app.slipyard.slipyard
    with ScriptedServer().serving() as server:
        server.on("POST", "/told", 200)
        file.write_text(f"{server.url}/told")
        whole_app.create(source={"type": "upload"})
        options = ("--kind", "webhook", "--url-file", str(file), "--app", name)
        made = json.loads(slipyard("notifiers", "add", name, *options, "--json"))
        yield server, Webhook(made["secret"])
        slipyard("notifiers", "remove", name)


def tree(text: str, dockerfile: str = SERVES) -> dict[str, bytes | str]:
    return {"Dockerfile": dockerfile.encode(), "index.html": text.encode()}


def received(told: tuple[ScriptedServer, Webhook]) -> list[dict[str, Any]]:
    """Verified by the library of the specification, which refuses what is not signed or too old."""
    server, webhook = told
    return [webhook.verify(asked.raw, asked.headers) for asked in server.asked]


def test_a_commit_shows_what_became_of_it(
    whole_app: WholeApp, connected: GitHubLike, hosted: HostedRepository, receiver: tuple[ScriptedServer, Webhook]
) -> None:
    assert "It arrived" in whole_app.slipyard.slipyard("notifiers", "test", whole_app.slug)
    assert whole_app.slug in whole_app.slipyard.slipyard("notifiers", "list", "--app", whole_app.slug)
    good = hosted.commit(tree("one"))
    with whole_app.slipyard.client() as client:
        source = {"source": {"type": "git", "repo_url": f"{connected.url}/app.git"}}
        client.patch(f"/apps/{whole_app.slug}", json=source).raise_for_status()
    whole_app.slipyard.slipyard("deploy", whole_app.slug)

    wait_until(lambda: connected.states(good) == ["pending", "success"])
    last = connected.statuses[good][-1]
    assert last["context"] == f"slipyard/{whole_app.slug}"
    assert last["target_url"] == whole_app.get()["url"]

    bad = hosted.commit(tree("two", "FROM busybox\nRUN exit 7\n"))
    whole_app.slipyard.slipyard("deploy", whole_app.slug, ok=False)

    wait_until(lambda: connected.states(bad)[-1:] == ["failure"])
    assert "7" in connected.statuses[bad][-1]["description"]
    assert "\n" not in connected.statuses[bad][-1]["description"]
    wait_until(lambda: [each["states"] for each in connected.deployments[:1]] == [["in_progress", "success"]])
    assert whole_app.text() == "one"

    told = wait_until(lambda: received(receiver) if len(received(receiver)) >= 3 else None)
    assert [each["type"] for each in told] == ["test", "app.deployed", "app.failed"]
    assert [each["data"]["deployment"]["commit"] for each in told[1:]] == [good, bad]
    assert {each["data"]["app"]["slug"] for each in told[1:]} == {whole_app.slug}


def test_a_wrong_token_is_refused_before_it_is_stored(whole_app: WholeApp, github: GitHubLike, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("guessed")
    said = whole_app.slipyard.slipyard("connect", "github", "--url", github.url, "--token-file", str(file), ok=False)
    assert "Bad credentials" in said
    assert "No connections" in whole_app.slipyard.slipyard("connections")
