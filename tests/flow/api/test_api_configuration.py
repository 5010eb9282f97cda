"""Variables, secrets and their versions over HTTP: what is shown to whom, what restarts, and the way back."""

from typing import Any

import httpx
import pytest

from tests.flow.api.api_server import ApiServer
from tests.flow.rollouts import Shop, new_shop

SECRET = "s3cret-value"


@pytest.fixture
async def shop(quiet_api: ApiServer) -> Shop:
    return await new_shop(quiet_api.system, 1)


async def call(api: ApiServer, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = await api.client.request(method, f"/v1/apps/shop/{path}".rstrip("/"), json=body)
    assert answer.status_code == status, answer.text
    return answer.json() if "json" in answer.headers["content-type"] else answer.text


async def put_secret(api: ApiServer, name: str, **body: Any) -> Any:
    return await call(api, "PUT", f"secrets/{name}", {"value": SECRET, **body})


async def test_a_change_says_what_restarts_and_makes_a_release(quiet_api: ApiServer, shop: Shop) -> None:
    found = await call(quiet_api, "PATCH", "env", {"env_vars": {"COLOUR": "red"}})

    change = found["change"]
    assert change["message"] == "shop restarts as deployment 2: web (1), by rolling, without downtime."
    assert (change["version"], change["changed"], change["downtime"]) == (1, ["COLOUR"], False)
    assert (change["deployment_id"], change["release_id"]) == (shop.last.id, shop.last.release_id)


async def test_a_change_may_wait_for_the_next_deployment(quiet_api: ApiServer, shop: Shop) -> None:
    found = await call(quiet_api, "PATCH", "env?deploy=false", {"env_vars": {"COLOUR": "red"}})

    assert found["change"]["deployment_id"] is None
    assert found["change"]["message"] == "It counts from the next deployment of shop on."
    assert shop.last.number == 1


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("secrets/A", {}, "one of both"),
        ("secrets/A", {"value": "x", "origin": "vault:a"}, "one of both"),
        ("secrets/A", {"value": "x", "path": "etc/key"}, "no absolute path"),
        ("secrets/A", {"value": "x", "path": "/etc/key", "mode": "999"}, "no mode of a file"),
        ("secrets/not-a-name", {"value": "x"}, "cannot name an environment variable"),
        ("env", {"env_vars": {"A": "${secret:NONE}"}}, "there is no such secret"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    quiet_api: ApiServer, shop: Shop, path: str, body: dict[str, Any], sentence: str
) -> None:
    refused = await call(quiet_api, "PUT", path, body, status=422)
    assert sentence in refused["error"]["message"]
    assert (await call(quiet_api, "GET", "config/versions"))["total"] == 0
    assert shop.last.number == 1


async def test_the_value_of_a_secret_is_in_no_answer_and_no_event(quiet_api: ApiServer, shop: Shop) -> None:
    await put_secret(quiet_api, "PASSWORD", path="/run/secrets/password", mode="0400")
    await call(quiet_api, "PATCH", "env", {"env_vars": {"URL": "db://${secret:PASSWORD}"}})
    await quiet_api.system.work()
    seen = [
        await call(quiet_api, "GET", path)
        for path in ("secrets", "env", "env/export", "config/versions", "config/versions/2", "config/diff", "releases")
    ]
    seen += [await call(quiet_api, "GET", path) for path in ("", "events?limit=100", "deployments", "instances")]

    assert SECRET not in str(seen)
    (secret,) = seen[0]["secrets"]
    assert (secret["name"], secret["path"], secret["mode"], secret["origin"]) == (
        "PASSWORD", "/run/secrets/password", "0400", None,
    )  # fmt: skip
    assert seen[1]["values"] == {"URL": "db://${secret:PASSWORD}"}
    assert shop.last.number == 3


async def test_versions_say_who_changed_what_and_which_is_live(quiet_api: ApiServer, shop: Shop) -> None:
    await call(quiet_api, "PATCH", "env", {"env_vars": {"A": "1", "B": "1"}})
    await quiet_api.system.work()
    await call(quiet_api, "PATCH", "env?deploy=false", {"env_vars": {"A": "2", "B": None, "C": "1"}})
    await put_secret(quiet_api, "KEY")

    listed = (await call(quiet_api, "GET", "config/versions"))["versions"]
    assert [(row["version"], row["current"], row["live"]) for row in listed] == [
        (3, True, False), (2, False, False), (1, False, True),
    ]  # fmt: skip
    assert {row["actor"] for row in listed} == {"administrator"}
    differences = (await call(quiet_api, "GET", "config/diff"))["differences"]
    assert [(row["name"], row["change"], row["value_before"], row["value_after"]) for row in differences] == [
        ("A", "changed", "1", "2"), ("B", "removed", "1", None), ("C", "added", None, "1"), ("KEY", "added", None, None),
    ]  # fmt: skip


async def test_every_value_in_force_says_where_it_came_from(quiet_api: ApiServer, shop: Shop) -> None:
    await put_secret(quiet_api, "PASSWORD")
    await call(quiet_api, "PATCH", "env", {"env_vars": {"URL": "x://${secret:PASSWORD}", "PLAIN": "1"}})

    found = await call(quiet_api, "GET", "config")

    origins = {row["name"]: (row["value"], row["origin"]) for row in found["values"]}
    assert origins["health_check.start_period"] == (0.5, "app")
    assert origins["rollout.strategy"] == ("rolling", "default")
    assert origins["port"] == (3000, "default")
    assert origins["env.URL"] == (None, "reference")
    assert origins["env.PLAIN"] == origins["secret.PASSWORD"] == (None, "app")
    assert origins["env.PORT"] == (None, "slipyard")
    assert found["version"] == 2


async def test_who_may_only_read_sees_fingerprints(quiet_api: ApiServer, shop: Shop) -> None:
    await call(quiet_api, "PATCH", "env", {"env_vars": {"A": "visible-to-writers"}})
    async with quiet_api.client_of(quiet_api.token("apps:read")) as reader:
        answers = [
            await reader.get(f"/v1/apps/shop/{path}")
            for path in ("env", "config/versions/1", "config/diff?from=1&to=1", "env/export")
        ]
        refused = await reader.put("/v1/apps/shop/secrets/A", json={"value": "x"})
    assert [answer.status_code for answer in answers] == [200, 200, 200, 403]
    assert "visible-to-writers" not in "".join(answer.text for answer in answers)
    assert refused.status_code == 403


async def test_a_version_comes_back_as_a_new_one(quiet_api: ApiServer, shop: Shop) -> None:
    await call(quiet_api, "PATCH", "env", {"env_vars": {"A": "1"}})
    await call(quiet_api, "PATCH", "env", {"env_vars": {"A": "2"}})

    restored = await call(quiet_api, "POST", "config/versions/1/restore")

    assert (restored["version"], restored["deployment_id"]) == (3, shop.last.id)
    assert (await call(quiet_api, "GET", "env"))["values"] == {"A": "1"}
    await call(quiet_api, "POST", "config/versions/9/restore", status=404)


async def test_a_file_is_imported_whole_or_not_at_all_and_exported_again(quiet_api: ApiServer, shop: Shop) -> None:
    text = "A=1\nexport B='two words' # note\nC=\"x\\ny\"\n"
    await call(quiet_api, "POST", "env/import", {"text": text})
    refused = await call(quiet_api, "POST", "env/import", {"text": "A=9\nnonsense\n"}, status=422)

    assert "Line 2 of the .env file" in refused["error"]["message"]
    assert await call(quiet_api, "GET", "env/export") == "A=1\nB='two words'\nC='x\ny'\n"
    await call(quiet_api, "POST", "env/import", {"text": "D=1", "replace": True})
    assert (await call(quiet_api, "GET", "env"))["values"] == {"D": "1"}
    assert shop.last.number == 3


async def test_stores_are_the_administrators(quiet_api: ApiServer, tmp_path) -> None:
    (tmp_path / "key").write_text(SECRET)
    body = {"name": "files", "settings": {"kind": "file", "directory": str(tmp_path)}}
    async with quiet_api.client_of(quiet_api.token("apps:write", "apps:deploy")) as writer:
        assert (await writer.post("/v1/secret-stores", json=body)).status_code == 403
    vault = {"name": "vault", "settings": {"kind": "vault", "url": "https://vault.example", "token": SECRET}}
    made = [await quiet_api.client.post("/v1/secret-stores", json=each) for each in (body, vault)]
    tried = await quiet_api.client.post("/v1/secret-stores/files/test", json={"key": "key"})
    listed = await quiet_api.client.get("/v1/secret-stores")
    removed = await quiet_api.client.delete("/v1/secret-stores/files")

    answers: list[httpx.Response] = [*made, tried, listed, removed]
    assert [answer.status_code for answer in answers] == [201, 201, 200, 200, 200]
    assert SECRET not in "".join(answer.text for answer in answers)
    assert [row["place"] for row in listed.json()["secret_stores"]] == [str(tmp_path), "https://vault.example (secret)"]
    assert tried.json()["message"] == f"files has key: {len(SECRET)} characters."
