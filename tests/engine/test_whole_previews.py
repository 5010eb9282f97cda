"""A pull request on real engines: shown at its own address, updated, closed and gone; a fork's only after a look."""

import copy
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from tests.data.github.examples import EXAMPLES
from tests.engine.decided import decided
from tests.engine.git_hosts import HttpHost, git, http_host
from tests.engine.git_hosts import Repository as HostedRepository
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp

# What the container was given is on a page of its own.
SHOWS = (
    "FROM busybox\nSTOPSIGNAL SIGKILL\nCOPY index.html /www/\n"
    "RUN --mount=type=secret,id=PASSWORD cat /run/secrets/PASSWORD > /www/built 2>&1 || true\n"
    "CMD env > /www/given; exec httpd -f -p $PORT -h /www\n"
)
PASSWORD = "correct-horse"


@pytest.fixture
def hosted(tmp_path: Path) -> HostedRepository:
    root = tmp_path / "hosted"
    root.mkdir()
    return HostedRepository.make(root)


@pytest.fixture
def host(hosted: HostedRepository) -> Iterator[HttpHost]:
    with http_host(hosted.bare.parent) as opened:
        yield opened


@pytest.fixture
def hook(whole_app: WholeApp, host: HttpHost, hosted: HostedRepository) -> dict[str, str]:
    hosted.commit({"Dockerfile": SHOWS.encode(), "index.html": b"main"})
    whole_app.create(
        source={"type": "git", "repo_url": host.url(), "build_secrets": ["PASSWORD"]},
        triggers={"previews": {"enabled": True, "env_vars": ["FLAVOUR"]}},
        env_vars={"PASSWORD": PASSWORD, "FLAVOUR": "mild"},
        deploy=False,
    )
    return whole_app.post("webhooks", json={"provider": "github"}).raise_for_status().json()


def request_head(hosted: HostedRepository, number: int, text: str) -> str:
    """As GitHub keeps it: the head of a request is in a ref of its own, whatever became of its branch."""
    commit = hosted.commit({"index.html": text.encode()}, text, branch="kept-nowhere")
    git(hosted.bare, "update-ref", f"refs/pull/{number}/head", commit)
    git(hosted.bare, "update-ref", "-d", "refs/heads/kept-nowhere")
    return commit


def deliver(
    app: WholeApp, hook: dict[str, str], action: str, number: int, commit: str, *, fork: bool = False
) -> dict[str, Any]:
    payload = copy.deepcopy(next(each for event, each in EXAMPLES if event == "pull_request"))
    request = payload["pull_request"]
    payload |= {"action": action, "number": number}
    request["number"], request["head"]["sha"], request["base"]["ref"] = number, commit, "main"
    if fork:
        request["head"]["repo"] |= {"id": 1, "full_name": "eve/shop", "fork": True}
    body = json.dumps(payload).encode()
    headers = {
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": secrets.token_hex(16),
        "X-Hub-Signature-256": f"sha256={hmac.new(hook['secret'].encode(), body, hashlib.sha256).hexdigest()}",
        "Content-Type": "application/json",
    }
    return decided(app, httpx.post(hook["url"], content=body, headers=headers, timeout=30))


def page(app: WholeApp, number: int, path: str = "/") -> str:
    return app.slipyard.answer(f"{app.slug}-pr-{number}", path).text


def preview(app: WholeApp, number: int) -> dict[str, Any]:
    return app.get(f"/previews/{number}")


def containers(app_id: str) -> int:
    with closing(docker.from_env()) as engine:
        return len(engine.api.containers(all=True, filters={"label": f"slipyard.app={app_id}"}))


def test_a_request_is_shown_updated_closed_and_gone(
    whole_app: WholeApp, hosted: HostedRepository, hook: dict[str, str]
) -> None:
    verdict = deliver(whole_app, hook, "opened", 1, request_head(hosted, 1, "one"))
    assert verdict["status"] == "deployed", verdict
    shown = wait_until(lambda: (row := preview(whole_app, 1))["status"] == "running" and row)
    assert page(whole_app, 1) == "one"
    assert shown["preview_url"] == f"http://{whole_app.slug}-pr-1.localhost:{whole_app.slipyard.http_port}"
    assert "FLAVOUR=mild" in page(whole_app, 1, "/given")
    assert PASSWORD not in page(whole_app, 1, "/given") + page(whole_app, 1, "/built")

    deliver(whole_app, hook, "synchronize", 1, request_head(hosted, 1, "two"))
    wait_until(lambda: page(whole_app, 1) == "two")
    assert preview(whole_app, 1)["preview_app_id"] == shown["preview_app_id"]

    deliver(whole_app, hook, "closed", 1, shown["commit"])
    wait_until(lambda: containers(shown["preview_app_id"]) == 0)
    wait_until(lambda: page(whole_app, 1) != "two")
    closed = preview(whole_app, 1)
    assert (closed["status"], closed["reason"]) == ("closed", "Request 1 was closed or merged.")
    assert whole_app.get("/previews")["total"] == 0


def test_a_fork_is_shown_after_a_look_and_sees_nothing_secret(
    whole_app: WholeApp, hosted: HostedRepository, hook: dict[str, str]
) -> None:
    looked_at = request_head(hosted, 2, "looked at")
    verdict = deliver(whole_app, hook, "opened", 2, looked_at, fork=True)
    assert verdict["status"] == "ignored", verdict
    assert preview(whole_app, 2)["status"] == "waiting"

    said = whole_app.slipyard.slipyard("previews", "approve", "2", "--commit", looked_at, "--app", whole_app.slug)
    assert f"{whole_app.slug}-pr-2.localhost" in said
    assert page(whole_app, 2) == "looked at"
    given = page(whole_app, 2, "/given") + page(whole_app, 2, "/built")
    assert "PORT=" in given
    assert not any(secret in given for secret in (PASSWORD, "PASSWORD=", "FLAVOUR="))

    deliver(whole_app, hook, "synchronize", 2, request_head(hosted, 2, "not looked at"), fork=True)
    assert page(whole_app, 2) == "looked at"
    assert preview(whole_app, 2)["approved_commit"] == looked_at
    assert "previews approve 2" in preview(whole_app, 2)["reason"]
