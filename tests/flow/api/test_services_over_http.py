"""Services over the API and by the command line: added, changed, scaled, restarted and removed, one by one."""

import asyncio
from typing import Any

import pytest

from slipyard.cli.main import run
from slipyard.clients.simulated_container import Behaviour
from tests.flow.api.api_server import ApiServer
from tests.flow.rollouts import Shop, new_shop

CACHE = "registry.example/cache:1"


@pytest.fixture
async def shop(quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("SLIPYARD_URL", quiet_api.url)
    monkeypatch.setenv("SLIPYARD_TOKEN", quiet_api.secret)
    quiet_api.system.engine.publish(CACHE, Behaviour(port=6379))
    return await new_shop(quiet_api.system, 1)


async def slipyard(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = await asyncio.to_thread(run, arguments)
    return code, "".join(capsys.readouterr())


async def services(api: ApiServer, shop: Shop) -> dict[str, Any]:
    """Of what is live, once nothing is under way."""
    await shop.system.work()
    await shop.system.settle()
    found = (await api.client.get("/v1/apps/shop/services")).json()["services"]
    status = (await api.client.get("/v1/apps/shop/status")).json()
    assert (await api.client.get("/v1/apps/shop")).json()["services"] == found == status["services"]
    return {each["name"]: each for each in found}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "release", "command": "x"}, "release"),
        ({"name": "web"}, "already"),
        ({"name": "a b"}, "name"),
        ({"name": "cache", "image": CACHE, "env_vars": {"not-a-name": "x"}}, "not-a-name"),
        ({"name": "cache", "image": CACHE, "replicas": 101}, "replicas"),
        ({"name": "cache", "image": CACHE, "depends_on": [{"service": "nobody"}]}, "nobody"),
        ({"name": "cache", "image": CACHE, "privileged": True}, "privileged"),
    ],
)
async def test_what_cannot_be_a_service_is_refused(
    quiet_api: ApiServer, shop: Shop, body: dict[str, Any], words: str
) -> None:
    refused = await quiet_api.client.post("/v1/apps/shop/services", json=body)

    assert refused.status_code in {409, 422}
    assert words in refused.text
    assert list(await services(quiet_api, shop)) == ["web"]


async def test_a_service_is_added_changed_and_removed(
    quiet_api: ApiServer, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    added = ("--image", CACHE, "--port", "6379", "--env", "PASSWORD=secret", "--memory", "256Mi", "--detach")
    code, said = await slipyard(capsys, "services", "add", "shop", "cache", *added)
    assert code == 0
    assert said.endswith("shop goes on as deployment 2: cache (1) start anew; web run on.\n")

    found = (await services(quiet_api, shop))["cache"]
    assert (found["status"], found["running"], found["port"], found["public"]) == ("running", 1, 6379, False)
    assert (found["env_vars"], found["resources"]["memory"]) == (["PASSWORD"], "256Mi")
    assert CACHE in (await slipyard(capsys, "services", "list", "shop"))[1]

    code, said = await slipyard(capsys, "services", "set", "shop", "cache", "--stop-grace", "30", "--json")
    assert (code, '"message": "shop goes on as deployment 3: nothing restarts; cache, web run on."' in said) == (
        0,
        True,
    )
    path = "/v1/apps/shop/services/cache"
    changed = await quiet_api.client.patch(path, json={"env": {"PASSWORD": None, "USER": "x"}})
    assert "cache (1) start anew" in changed.json()["message"]
    assert (await services(quiet_api, shop))["cache"]["env_vars"] == ["USER"]

    assert (await slipyard(capsys, "services", "remove", "shop", "web", "--detach"))[0] == 3
    assert (await slipyard(capsys, "services", "remove", "shop", "cache", "--detach"))[0] == 0
    assert list(await services(quiet_api, shop)) == ["web"]
    assert await shop.running() == 1


async def test_services_are_scaled_stopped_and_restarted_by_name(
    quiet_api: ApiServer, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (await slipyard(capsys, "ps", "scale", "web=2", "cache=1", "--app", "shop", "-d"))[0] == 3
    assert (await slipyard(capsys, "ps", "scale", "web", "--app", "shop"))[0] == 2
    assert (await slipyard(capsys, "services", "add", "shop", "loop", "--command", "loop", "--detach"))[0] == 0
    assert (await services(quiet_api, shop))["loop"]["command"] == ["/bin/sh", "-c", "exec loop"]

    assert (await slipyard(capsys, "ps", "scale", "web=2", "loop=3", "--app", "shop", "-d"))[0] == 0
    found = await services(quiet_api, shop)
    assert (found["web"]["running"], found["loop"]["running"]) == (2, 3)
    await quiet_api.client.patch("/v1/apps/shop", json={"replicas": 1})
    await shop.deploy(2)
    assert (await services(quiet_api, shop))["web"]["running"] == 1

    assert (await slipyard(capsys, "stop", "shop", "--service", "loop", "--detach"))[0] == 0
    stopped = (await services(quiet_api, shop))["loop"]
    assert (stopped["status"], stopped["replicas"], await shop.running()) == ("stopped", 0, 1)
    assert (await slipyard(capsys, "start", "shop", "--service", "loop", "--detach"))[0] == 0
    assert (await services(quiet_api, shop))["loop"]["running"] == 3

    web = {row.id for row in shop.system.instances(shop.app_id) if row.service == "web"}
    assert (await slipyard(capsys, "restart", "shop", "loop", "--detach"))[0] == 0
    await services(quiet_api, shop)
    assert {row.id for row in shop.system.instances(shop.app_id) if row.service == "web"} == web
    assert (await slipyard(capsys, "restart", "shop", "nobody", "--detach"))[0] == 3
