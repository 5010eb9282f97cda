"""Previews over HTTP: shown, approved, removed, and what a caller reads where that cannot be."""

from slipyard.domain.announcement import RequestChange, RequestMove
from slipyard.pipeline.previews.previews import request_changed
from tests.flow.api.api_server import ApiServer, until
from tests.flow.repository import Repository

ELSEWHERE = {"type": "git", "repo_url": "https://git.example.org/acme/shop.git"}
ON = {"previews": {"enabled": True}}


async def shop(api: ApiServer, **fields: object) -> str:
    body = {"name": "shop", "source": ELSEWHERE, "triggers": ON, "deploy": False, "env_vars": {"KEY": "x"}} | fields
    answer = await api.client.post("/v1/apps", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def from_fork(api: ApiServer, app_id: str, repository: Repository, number: int = 7) -> str:
    commit = repository.commit("one", main__py="1")
    repository.push(api.context.layout.repository(app_id), "HEAD:refs/heads/kept")
    said = RequestChange(number, RequestMove.OPENED, "patch", commit, "main", fork=True, title="A patch", author="eve")
    await request_changed(api.context, app_id, said, "github", "acme/shop", "eve")
    return commit


async def test_what_is_not_there_is_said(quiet_api: ApiServer) -> None:
    await shop(quiet_api)
    path = "/v1/apps/shop/previews"
    for method, where, body in (
        ("GET", f"{path}/7", None),
        ("DELETE", f"{path}/7", None),
        ("POST", f"{path}/7/approve", {"commit": "a" * 40}),
    ):
        answer = await quiet_api.client.request(method, where, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), where
        assert "previews list" in answer.json()["error"]["message"]
    for body in ({}, {"branch": ""}, {"branch": "x", "commit": "abc"}, {"branch": "-x"}):
        assert (await quiet_api.client.post(path, json=body)).status_code == 422, body
    assert (await quiet_api.client.get(f"{path}/0")).status_code == 422


async def test_an_image_app_has_no_previews(quiet_api: ApiServer) -> None:
    await shop(quiet_api, source={"type": "image", "image": "nginx:1"})

    answer = await quiet_api.client.post("/v1/apps/shop/previews", json={"branch": "x", "commit": "a" * 40})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation_error")


async def test_approval_is_of_the_commit_that_was_looked_at(api: ApiServer, repository: Repository) -> None:
    app_id = await shop(api)
    commit = await from_fork(api, app_id, repository)
    (waiting,) = (await api.client.get("/v1/apps/shop/previews")).json()["previews"]
    assert (waiting["status"], waiting["fork"], waiting["preview_url"]) == ("waiting", True, None)

    wrong = await api.client.post("/v1/apps/shop/previews/7/approve", json={"commit": "a" * 40})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (409, "conflict")
    reader = api.client_of(api.token("apps:read", "apps:write"))
    forbidden = await reader.post("/v1/apps/shop/previews/7/approve", json={"commit": commit})
    assert forbidden.status_code == 403

    done = await api.client.post("/v1/apps/shop/previews/7/approve?wait=20", json={"commit": commit})
    assert (done.status_code, done.json()["status"]) == (200, "active")
    shown = (await api.client.get("/v1/apps/shop/previews/7")).json()
    assert (shown["status"], shown["approved_commit"]) == ("running", commit)
    assert shown["preview_url"] == "http://shop-pr-7.localhost:8080"
    made = (await api.client.get("/v1/apps/shop-pr-7")).json()
    assert (made["parent_id"], made["environment"]) == (app_id, "preview")
    assert (await api.client.get("/v1/apps/shop-pr-7/env")).json()["env_vars"] == []


async def test_a_branch_is_shown_and_removed(api: ApiServer, repository: Repository) -> None:
    app_id = await shop(api, source={"type": "git"})
    repository.commit("one", main__py="1")
    repository.push(api.context.layout.repository(app_id), "HEAD:refs/heads/try")
    unknown = await api.client.post("/v1/apps/shop/previews", json={"branch": "other"})
    assert unknown.status_code == 422
    assert "no branch other" in unknown.json()["error"]["message"]

    key = {"Idempotency-Key": "once"}
    made = (await api.client.post("/v1/apps/shop/previews", json={"branch": "try"}, headers=key)).json()
    assert (made["slug"], made["number"]) == ("shop-try", 1_000_001)
    await until(lambda: _is(api, made["number"], "running"))
    refused = await api.client.patch("/v1/apps/shop-try", json={"port": 80})
    assert refused.status_code == 409

    removed = await api.client.delete(f"/v1/apps/shop/previews/{made['number']}")
    assert removed.status_code == 200
    assert (await api.client.get("/v1/apps/shop/previews")).json()["total"] == 0
    (closed,) = (await api.client.get("/v1/apps/shop/previews?include_closed=true")).json()["previews"]
    assert (closed["status"], closed["reason"]) == ("closed", "administrator removed it.")


async def test_rules_are_merged_and_not_replaced(quiet_api: ApiServer) -> None:
    await shop(quiet_api, triggers={"tags": ["v*"], "previews": {"enabled": True, "maximum": 3}})

    changed = await quiet_api.client.patch("/v1/apps/shop", json={"triggers": {"previews": {"ttl_hours": 5}}})

    triggers = changed.json()["triggers"]
    assert (triggers["tags"], triggers["previews"]["maximum"], triggers["previews"]["ttl_hours"]) == (["v*"], 3, 5)
    nonsense = await quiet_api.client.patch("/v1/apps/shop", json={"triggers": {"previews": {"maximum": 0}}})
    assert nonsense.status_code == 422


async def _is(api: ApiServer, number: int, status: str) -> bool:
    return (await api.client.get(f"/v1/apps/shop/previews/{number}")).json()["status"] == status
