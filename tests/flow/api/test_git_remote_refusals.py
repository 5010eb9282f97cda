"""Pushes and clones that are refused: git shows the reason, nothing is stored, nothing is deployed."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.flow.api.api_server import ApiServer, serving
from tests.flow.api.git_client import git, push
from tests.flow.repository import Repository
from tests.flow.system import System


async def test_a_stranger_is_asked_for_a_token(quiet_api: ApiServer, repository: Repository) -> None:
    repository.commit("one")

    outcome = await push(repository, f"{quiet_api.url}/git/shop.git")

    assert outcome.status != 0
    answer = await quiet_api.client_of(None).get("/git/shop.git/info/refs?service=git-receive-pack")
    assert (answer.status_code, answer.headers["WWW-Authenticate"].split()[0]) == (401, "Basic")
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_a_wrong_token_is_refused(quiet_api: ApiServer, repository: Repository) -> None:
    repository.commit("one")

    outcome = await push(repository, quiet_api.remote("shop", "sly_wrong"))

    assert "Authentication failed" in outcome.text


async def test_who_may_read_may_not_push(quiet_api: ApiServer, repository: Repository) -> None:
    repository.commit("one")

    outcome = await push(repository, quiet_api.remote("shop", quiet_api.token("apps:read", "apps:write")))

    assert outcome.status != 0
    assert "apps:deploy" in outcome.text


async def test_who_may_not_write_makes_no_app_by_pushing(quiet_api: ApiServer, repository: Repository) -> None:
    repository.commit("one")

    outcome = await push(repository, quiet_api.remote("shop", quiet_api.token("apps:read", "apps:deploy")))

    assert outcome.status != 0
    assert "apps:write" in outcome.text


@pytest.mark.parametrize("name", ["www", "My_Shop", "-x", "a--b", "app-01jxr4m8k2w9n5v3q7b6t1y0zz"])
async def test_a_name_that_no_app_may_have_is_refused(quiet_api: ApiServer, repository: Repository, name: str) -> None:
    repository.commit("one")

    outcome = await push(repository, quiet_api.remote(name))

    assert outcome.status != 0
    assert "a push cannot make it" in outcome.text
    assert (await quiet_api.client.get("/v1/apps")).json()["total"] == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"repo_url": "https://git.example.org/shop.git"}, "https://git.example.org/shop.git"),
        ({"image": "example.org/shop:1"}, "the image example.org/shop:1"),
        ({"source_type": "upload"}, "uploaded directories"),
    ],
)
async def test_a_push_is_refused_where_the_source_lies_elsewhere(
    quiet_api: ApiServer, repository: Repository, fields: dict[str, str], reason: str
) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop", "deploy": False} | fields)
    repository.commit("one")

    outcome = await push(repository, quiet_api.remote("shop"))

    assert outcome.status != 0
    assert f"remote error: shop is deployed from {reason}" in outcome.text


async def test_a_read_only_installation_takes_no_pushes_and_gives_clones(
    system: System, repository: Repository, tmp_path: Path
) -> None:
    repository.commit("one")
    async with serving(system) as api:
        await push(repository, api.remote("shop"))
    repository.commit("two")
    settings = system.context.settings.model_copy(update={"read_only": True})
    async with serving(system, replace(system.context, settings=settings)) as api:
        pushed = await push(repository, api.remote("shop"))
        cloned = await git(tmp_path, "clone", api.remote("shop"), "copy")

    assert "read-only" in pushed.text
    assert cloned.status == 0


@pytest.mark.parametrize("ref", ["refs/slipyard/pins/x", "refs/notes/x", "refs/replace/x", "refs/pull/1/head"])
async def test_only_branches_and_tags_are_taken(api: ApiServer, repository: Repository, ref: str) -> None:
    repository.commit("one")

    outcome = await push(repository, api.remote("shop"), f"HEAD:{ref}", "main")

    assert "deny updating a hidden ref" in outcome.text
    assert "[new branch]      main -> main" in outcome.text


async def test_hidden_refs_are_neither_shown_nor_given(api: ApiServer, repository: Repository) -> None:
    repository.commit("one")
    await push(repository, api.remote("shop"))

    listed = await git(repository.path, "ls-remote", api.remote("shop"))

    (app_id,) = [app["id"] for app in (await api.client.get("/v1/apps")).json()["apps"]]
    stored = await git(api.context.layout.repository(app_id), "for-each-ref")
    assert "refs/slipyard/" in stored.text
    assert "refs/slipyard/" not in listed.text


async def test_a_push_that_is_too_large_is_refused_and_not_kept(system: System, repository: Repository) -> None:
    settings = system.context.settings.model_copy(update={"max_push_bytes": 100_000})
    repository.commit("one", noise="".join(chr(33 + n * n % 90) + str(n) for n in range(200_000)))
    async with serving(system, replace(system.context, settings=settings)) as api:
        outcome = await push(repository, api.remote("shop"))
        listed = await git(repository.path, "ls-remote", api.remote("shop"))

    assert outcome.status != 0
    assert "main" not in listed.text
    assert system.queue.waiting == type(system.queue.waiting)()


async def test_the_dumb_protocol_is_refused(quiet_api: ApiServer) -> None:
    for path in ("info/refs", "info/refs?service=git-upload-archive"):
        answer = await quiet_api.client.get(f"/git/shop.git/{path}")
        assert (answer.status_code, "smart protocol" in answer.text) == (403, True)
    assert (await quiet_api.client.get("/git/shop.git/HEAD")).status_code == 404
    assert (await quiet_api.client.get("/git/..%2f..%2fetc/info/refs?service=git-upload-pack")).status_code == 404


async def test_an_app_that_is_not_there_cannot_be_cloned(quiet_api: ApiServer, tmp_path: Path) -> None:
    outcome = await git(tmp_path, "clone", quiet_api.remote("shop"), "copy")

    assert outcome.status != 0
    assert "There is no app 'shop'" in outcome.text
    assert (await quiet_api.client.get("/v1/apps")).json()["total"] == 0


@pytest.mark.parametrize("body", [b"", b"00", b"zzzz", b"0000", b"0008abcd0000PACK"])
async def test_a_body_that_is_no_push_is_never_our_fault(quiet_api: ApiServer, body: bytes) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"})

    for name in ("shop", "other"):
        answer = await quiet_api.client.post(f"/git/{name}.git/git-receive-pack", content=body)
        assert answer.status_code < 500
    assert (await quiet_api.client.get("/v1/apps")).json()["total"] == 1
