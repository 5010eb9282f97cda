"""A look at the source now, over HTTP: what it found, what became of it, and how the app shows it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.flow.api.api_server import ApiServer, serving
from tests.flow.elsewhere import HOST, GitElsewhere
from tests.flow.system import System

ONE, TWO = "1" * 40, "2" * 40
URL = f"https://{HOST}/shop.git"


@pytest.fixture
async def elsewhere(system: System, tmp_path: Path) -> GitElsewhere:
    system.git = GitElsewhere(tmp_path / "known_hosts", system.clock)
    system.git.heads[URL] = ONE
    system.context = replace(system.context, git=system.git)
    return system.git


@pytest.fixture
async def quiet(system: System, elsewhere: GitElsewhere) -> AsyncIterator[ApiServer]:
    async with serving(system, working=False) as server:
        await server.client.post("/v1/apps", json={"name": "shop", "repo_url": URL, "deploy": False})
        yield server


async def test_an_app_without_a_source_elsewhere_has_nothing_to_look_at(quiet: ApiServer) -> None:
    await quiet.client.post("/v1/apps", json={"name": "own"})
    answer = await quiet.client.post("/v1/apps/own/poll")
    assert (answer.status_code, "nothing to look at" in answer.text) == (409, True)
    assert (await quiet.client.get("/v1/apps/own")).json()["poll"] is None


async def test_a_host_that_refuses_is_an_answer(quiet: ApiServer, elsewhere: GitElsewhere) -> None:
    elsewhere.closed.add(HOST)
    answer = await quiet.client.post("/v1/apps/shop/poll")
    assert answer.status_code == 200
    assert (answer.json()["success"], answer.json()["status"]) == (False, "failed")
    app = (await quiet.client.get("/v1/apps/shop")).json()
    assert (app["has_git_access"], app["poll"]["failures"]) == (False, 1)
    assert app["poll"]["error"] == answer.json()["message"]


async def test_what_is_new_is_deployed_and_answered(quiet: ApiServer, elsewhere: GitElsewhere) -> None:
    first = (await quiet.client.post("/v1/apps/shop/poll")).json()
    elsewhere.heads[URL] = TWO
    second = (await quiet.client.post("/v1/apps/shop/poll")).json()
    third = (await quiet.client.post("/v1/apps/shop/poll")).json()

    assert (first["status"], first["found"], first["deployment_id"]) == ("ignored", ONE, None)
    assert (second["status"], second["found"]) == ("deployed", TWO)
    assert (third["status"], "Nothing new" in third["message"]) == ("ignored", True)
    app = (await quiet.client.get("/v1/apps/shop")).json()
    assert [row["id"] for row in app["deployments"]] == [second["deployment_id"]]
    assert (app["poll"]["seen"], app["poll"]["error"]) == (TWO, None)
    listed = (await quiet.client.get("/v1/apps")).json()["apps"]
    assert [row["poll"]["seen"] for row in listed] == [TWO]


async def test_auto_deploy_off_is_said(quiet: ApiServer, elsewhere: GitElsewhere) -> None:
    await quiet.client.post("/v1/apps/shop/poll")
    await quiet.client.patch("/v1/apps/shop", json={"auto_deploy": False})
    elsewhere.heads[URL] = TWO
    answer = (await quiet.client.post("/v1/apps/shop/poll")).json()
    assert (answer["status"], "auto_deploy is off" in answer["message"]) == ("ignored", True)
