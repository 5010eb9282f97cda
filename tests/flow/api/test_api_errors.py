"""Every error has one shape, says what to do next, and is the caller's where it is the caller's."""

import pytest

from tests.flow.api.api_server import ApiServer

CASES = [
    ("GET", "/v1/nothing", {}, 404, "not_found"),
    ("GET", "/v1/apps/nothing", {}, 404, "not_found"),
    ("GET", "/v1/apps/nothing/builds/bld_1/log", {}, 404, "not_found"),
    ("DELETE", "/v1/me", {}, 405, "method_not_allowed"),
    ("POST", "/v1/apps", {"content": "{", "headers": {"Content-Type": "application/json"}}, 400, "bad_request"),
    ("POST", "/v1/apps", {"content": "name=x", "headers": {"Content-Type": "text/plain"}}, 415, None),
    ("POST", "/v1/apps", {"content": ""}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": []}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": {}}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": {"name": ""}}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": {"name": "www"}}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": {"name": "!!!"}}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": {"name": "x", "port": 70000}}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": {"name": "x", "cpu": 9}}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": {"name": "x", "memory": 63}}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": {"name": "x", "env": {"1A": "x"}}}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": {"name": "x", "env": {"A": "a\0b"}}}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": {"name": "x", "image": "not an image"}}, 422, "validation_error"),
    ("POST", "/v1/apps", {"json": {"name": "x", "repo_url": "file:///etc"}}, 422, "validation_error"),
    ("GET", "/v1/apps?limit=101", {}, 422, "validation_error"),
    ("GET", "/v1/apps?limit=0", {}, 422, "validation_error"),
    ("GET", "/v1/apps?offset=-1", {}, 422, "validation_error"),
    ("GET", "/v1/apps?status=happy", {}, 422, "validation_error"),
    ("GET", "/v1/apps?sort=secret:asc", {}, 422, "validation_error"),
    ("GET", "/v1/apps?label=team", {}, 422, "validation_error"),
    ("POST", "/v1/tokens", {"json": {"name": "x", "scopes": ["root"]}}, 422, "validation_error"),
    ("POST", "/v1/apps", {"content": b"x" * 5_000_000}, 413, "too_large"),
    ("GET", "/v1/apps/%00", {}, 404, "not_found"),
    ("GET", "/v1/apps/..%2f..%2fetc", {}, 404, "not_found"),
]


@pytest.mark.parametrize(("method", "path", "sent", "status", "code"), CASES)
async def test_errors_have_one_shape(
    quiet_api: ApiServer, method: str, path: str, sent: dict[str, object], status: int, code: str | None
) -> None:
    answer = await quiet_api.client.request(method, path, **sent)

    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == (code or error["code"])
    assert error["status"] == status
    assert error["request_id"] == answer.headers["X-Request-Id"]
    assert error["message"]
    assert isinstance(error["details"], list)


async def test_an_unknown_field_names_the_nearest_one(quiet_api: ApiServer) -> None:
    body = {"name": "shop", "replicsa": 2, "health_check": {"intervall": 3}}

    error = (await quiet_api.client.post("/v1/apps", json=body)).json()["error"]

    problems = {detail["field"]: detail["message"] for detail in error["details"]}
    assert "'replicas'" in problems["replicsa"]
    assert "'interval'" in problems["health_check.intervall"]


async def test_a_fault_of_ours_names_the_request_and_tells_nothing_else(
    quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiet_api.context.database, "reading", _broken)

    answer = await quiet_api.client_of(quiet_api.secret).get("/v1/queue")

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert answer.json()["error"]["request_id"] == answer.headers["X-Request-Id"]
    assert "hunter2" not in answer.text


async def _broken(_query: object) -> None:
    raise ZeroDivisionError("hunter2")


async def test_readiness_says_where_the_database_is_away(quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await quiet_api.client.get("/readyz")).status_code == 200
    monkeypatch.setattr(quiet_api.context.database, "reading", _broken)

    assert (await quiet_api.client.get("/readyz")).status_code == 503
    assert (await quiet_api.client.get("/healthz")).status_code == 200
