"""A token of one app: for it nothing else is there, whatever its scopes say."""

from pathlib import Path

import pytest

from tests.flow.api.api_server import ApiServer
from tests.flow.api.git_client import git, push
from tests.flow.api.test_api_scopes import calls
from tests.flow.repository import Repository

BOUND = ["apps:read", "apps:write", "apps:deploy"]


async def bound_token(api: ApiServer, app: str = "shop", scopes: list[str] | None = None) -> str:
    body = {"name": "ci", "scopes": scopes or BOUND, "app": app}
    return (await api.client.post("/v1/tokens", json=body)).json()["token"]


@pytest.fixture(autouse=True)
async def two_apps(quiet_api: ApiServer) -> None:
    for name in ("shop", "other"):
        await quiet_api.client.post("/v1/apps", json={"name": name})


async def test_no_other_app_is_there_for_it(quiet_api: ApiServer) -> None:
    client = quiet_api.client_of(await bound_token(quiet_api))

    for method, path, scope in await calls(quiet_api):
        if "/shop" in path and scope != "admin":
            other = path.replace("/shop", "/other")
            answer = await client.request(method, other, json={})
            assert answer.status_code in {404, 422}, (method, other, answer.text)
            if answer.status_code == 404:
                assert "There is no app 'other'" in answer.json()["error"]["message"], (method, other)
    assert (await quiet_api.client.get("/v1/apps/other")).json()["status"] == "creating"


async def test_what_names_no_app_is_not_there_for_it(quiet_api: ApiServer) -> None:
    client = quiet_api.client_of(await bound_token(quiet_api))
    open_to_it = {("GET", "/v1/apps"), ("GET", "/v1/me"), ("GET", "/v1/metrics"), ("GET", "/metrics")}

    for method, path, _ in await calls(quiet_api):
        if "/shop" not in path and (method, path) not in open_to_it:
            assert (await client.request(method, path, json={"name": "new"})).status_code == 404, (method, path)
    assert (await quiet_api.client.get("/v1/apps")).json()["total"] == 2


async def test_it_reads_changes_and_deploys_its_own_app(quiet_api: ApiServer) -> None:
    client = quiet_api.client_of(await bound_token(quiet_api))

    listed = (await client.get("/v1/apps")).json()

    assert [app["slug"] for app in listed["apps"]] == ["shop"]
    assert (await client.get("/v1/me")).json()["app_id"] == listed["apps"][0]["id"]
    assert (await client.patch("/v1/apps/shop", json={"description": "mine"})).status_code == 200
    assert (await client.post("/v1/apps/shop/deploy")).status_code == 202


async def test_its_scopes_count_all_the_same(quiet_api: ApiServer) -> None:
    client = quiet_api.client_of(await bound_token(quiet_api, scopes=["apps:deploy"]))
    assert (await client.get("/v1/apps/shop")).status_code == 403


async def test_it_is_never_an_administrator_and_never_of_somebody_elses_app(quiet_api: ApiServer) -> None:
    for body, status in (
        ({"name": "ci", "scopes": ["admin"], "app": "shop"}, 422),
        ({"name": "ci", "scopes": ["apps:read"], "app": "nowhere"}, 404),
    ):
        assert (await quiet_api.client.post("/v1/tokens", json=body)).status_code == status


async def test_git_takes_it_for_its_app_only(quiet_api: ApiServer, repository: Repository, tmp_path: Path) -> None:
    secret = await bound_token(quiet_api)
    repository.commit("one")

    mine = await push(repository, quiet_api.remote("shop", secret), "-o", "detach", "main")
    others = await push(repository, quiet_api.remote("other", secret), "-o", "detach", "main")
    new = await push(repository, quiet_api.remote("brand-new", secret), "-o", "detach", "main")
    cloned = await git(tmp_path, "clone", quiet_api.remote("other", secret), "copy")

    assert mine.status == 0, mine.text
    assert "There is no app 'other'" in others.text
    assert "There is no app 'brand-new'" in new.text
    assert cloned.status != 0
    assert (await quiet_api.client.get("/v1/apps")).json()["total"] == 2
