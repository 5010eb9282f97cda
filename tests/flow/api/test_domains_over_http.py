"""Domains over the API and by the command line."""

import asyncio

import pytest

from slipyard.cli.main import run
from tests.flow.api.api_server import ApiServer


@pytest.fixture
async def shop(quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    monkeypatch.setenv("SLIPYARD_URL", quiet_api.url)
    monkeypatch.setenv("SLIPYARD_TOKEN", quiet_api.secret)
    for name in ("shop", "blog"):
        (await quiet_api.client.post("/v1/apps", json={"name": name})).raise_for_status()
    return quiet_api


async def slipyard(*arguments: str) -> int:
    return await asyncio.to_thread(run, arguments)


@pytest.mark.parametrize(
    "body", [{"domain": "localhost"}, {"domain": "https://a.test"}, {}, {"domain": "a.test", "x": 1}]
)
async def test_what_is_no_domain_is_refused(shop: ApiServer, body):
    answer = await shop.client.post("/v1/apps/shop/domains", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation_error")


async def test_a_name_of_another_app_is_a_conflict(shop: ApiServer):
    body = {"host": "www.example.test"}
    assert (await shop.client.post("/v1/apps/shop/domains", json=body)).status_code == 201
    answer = await shop.client.post("/v1/apps/blog/domains", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert (await shop.client.delete("/v1/apps/blog/domains/www.example.test")).status_code == 404


async def test_a_domain_is_added_shown_changed_and_removed(shop: ApiServer):
    path = "/v1/apps/shop/domains"
    made = (await shop.client.post(path, json={"domain": "Bücher.example"})).json()
    assert (made["domain"], made["url"]) == ("xn--bcher-kva.example", "http://xn--bcher-kva.example:8080")
    assert made["certificate"] == "none"
    app = (await shop.client.get("/v1/apps/shop")).json()
    assert (app["domains"], app["domain_count"]) == (["shop.localhost", "xn--bcher-kva.example"], 1)
    changed = await shop.client.patch(f"{path}/{made['id']}", json={"path": "/api", "strip_prefix": True})
    assert (changed.json()["path"], changed.json()["strip_prefix"]) == ("/api", True)
    assert (await shop.client.get(path)).json()["domains"] == [changed.json()]
    assert (await shop.client.delete(f"{path}/{made['id']}")).json()["success"]
    assert (await shop.client.get(path)).json()["total"] == 0


async def test_the_same_request_again_is_the_same_domain(shop: ApiServer):
    headers = {"Idempotency-Key": "once"}
    answers = [
        await shop.client.post("/v1/apps/shop/domains", json={"domain": "a.test"}, headers=headers) for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


async def test_commands_add_list_show_and_remove(shop: ApiServer, capsys: pytest.CaptureFixture[str]):
    assert await slipyard("domains", "list", "shop") == 0
    assert await slipyard("domains", "add", "shop", "www.example.test") == 0
    assert await slipyard("domains", "add", "shop", "www.example.test/api", "--strip-prefix") == 0
    assert await slipyard("domains", "add", "shop", "old.example.test", "--redirect-to", "www.example.test") == 0
    assert await slipyard("domains", "add", "blog", "www.example.test/api") == 3
    capsys.readouterr()
    assert await slipyard("domains", "list", "shop") == 0
    rows = [line.split("\t")[:2] for line in capsys.readouterr().out.splitlines() if "\t" in line][1:]
    assert rows == [
        ["old.example.test", "www.example.test (308)"],
        ["www.example.test/api", "the app, without the path"],
        ["www.example.test", "the app"],
    ]
    assert await slipyard("domains", "show", "shop", "www.example.test/api") == 0
    assert "http://www.example.test:8080/api" in capsys.readouterr().out
    assert await slipyard("domains", "remove", "shop", "www.example.test/api") == 0
    assert await slipyard("domains", "remove", "shop", "www.example.test/api") == 3
    assert [row["path"] for row in (await shop.client.get("/v1/apps/shop/domains")).json()["domains"]] == ["/", "/"]
