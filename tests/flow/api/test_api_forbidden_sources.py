"""Forbidden URLs, refs and commits are refused over HTTP before any git process is started."""

import os
import shutil
from pathlib import Path

import pytest

from tests.flow.api.api_server import ApiServer
from tests.flow.repository import Repository
from tests.unit.test_git_ref import FORBIDDEN as REFS
from tests.unit.test_git_url import FORBIDDEN as URLS

COMMITS = [
    "abc",
    "A" * 40,
    "g" * 40,
    "a" * 39,
    "a" * 41,
    "-" + "a" * 39,
    "a" * 40 + "\n",
    "HEAD",
    "--all",
    "main",
    "refs/heads/main",
]


class GitRuns:
    """A file that grows with every git process that is started by its name; git itself works as ever."""

    def __init__(self, log: Path) -> None:
        self._log = log

    @property
    def lines(self) -> list[str]:
        return self._log.read_text().splitlines()

    def forget(self) -> None:
        self._log.write_text("")


@pytest.fixture
def git_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRuns:
    real, log, directory = shutil.which("git"), tmp_path / "git-runs", tmp_path / "path"
    directory.mkdir()
    log.touch()
    (directory / "git").write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {real} "$@"\n')
    (directory / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    return GitRuns(log)


def test_there_are_enough_of_them() -> None:
    assert len({*URLS} | {*REFS} | {*COMMITS}) >= 250


async def test_a_forbidden_url_makes_no_app_and_starts_no_git(api: ApiServer, git_runs: GitRuns) -> None:
    for url in URLS:
        if url.strip():  # an empty one means the app's own remote
            answer = await api.client.post("/v1/apps", json={"name": "shop", "source": {"repo_url": url}})
            assert answer.status_code == 422, (url, answer.text)
            assert answer.json()["error"]["message"], url
    assert (await api.client.get("/v1/apps")).json()["total"] == 0
    assert git_runs.lines == []


async def test_a_forbidden_url_does_not_get_into_an_app_that_is_there(api: ApiServer, git_runs: GitRuns) -> None:
    await api.client.post("/v1/apps", json={"name": "shop", "repo_url": "https://example.com/r.git", "deploy": False})
    for url in filter(str.strip, URLS):
        answer = await api.client.patch("/v1/apps/shop", json={"source": {"repo_url": url}})
        assert answer.status_code == 422, (url, answer.text)
    app = (await api.client.get("/v1/apps/shop")).json()
    assert app["source"]["repo_url"] == "https://example.com/r.git"
    assert git_runs.lines == []


async def test_a_forbidden_ref_or_commit_starts_no_git(api: ApiServer, git_runs: GitRuns) -> None:
    await api.client.post("/v1/apps", json={"name": "shop"})
    for ref in filter(None, REFS):
        made = await api.client.post("/v1/apps", json={"name": "other", "source": {"branch": ref}})
        asked = await api.client.post("/v1/apps/shop/deploy", json={"ref": ref})
        assert (made.status_code, asked.status_code) == (422, 422), (ref, made.text, asked.text)
    for commit in COMMITS:
        answer = await api.client.post("/v1/apps/shop/deploy", json={"commit": commit})
        assert answer.status_code == 422, (commit, answer.text)
    assert api.system.deployments((await api.client.get("/v1/apps/shop")).json()["id"]) == []
    assert git_runs.lines == []


async def test_a_name_that_leads_inside_fails_without_git(api: ApiServer, git_runs: GitRuns, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """What a name server says is known at the fetch only: then every answer of it is judged."""
    names = {
        "inside.example.com": ["10.0.0.1"],
        "metadata.example.com": ["169.254.169.254"],
        "both.example.com": ["93.184.216.34", "::1"],
    }
    monkeypatch.setattr(
        "socket.getaddrinfo", lambda host, port, *_, **__: [(2, 1, 6, "", (a, port)) for a in names[host]]
    )
    for number, name in enumerate(names):
        await api.client.post(
            "/v1/apps", json={"name": f"shop-{number}", "repo_url": f"https://{name}/r.git", "deploy": False}
        )
        await api.client.post(f"/v1/apps/shop-{number}/deploy?wait=20")
        app = (await api.client.get(f"/v1/apps/shop-{number}")).json()
        assert (app["status"], app["has_git_access"]) == ("failed", False)
        assert "which is closed" in app["git_access_error"]
    assert git_runs.lines == []


async def test_the_log_of_git_processes_is_one(api: ApiServer, git_runs: GitRuns, repository: Repository) -> None:
    """Or the tests above would show nothing."""
    made = (await api.client.post("/v1/apps", json={"name": "shop"})).json()
    repository.commit("one")
    repository.push(api.context.layout.repository(made["id"]))
    git_runs.forget()
    assert (await api.client.post("/v1/apps/shop/deploy?wait=20")).json()["status"] == "active"
    assert any(" archive " in line for line in git_runs.lines)
