"""Sleep and autoscaling over HTTP: what cannot be is refused, and what was told is shown."""

import pytest

from tests.flow.api.api_server import ApiServer

IMAGE = {"type": "image", "image": "example.org/shop:1"}


async def make(api: ApiServer, **body: object) -> dict[str, object]:
    answer = await api.client.post("/v1/apps", json={"name": "shop", "deploy": False, "source": IMAGE, **body})
    made: dict[str, object] = answer.raise_for_status().json()
    return made


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "/sleep", None, 409, "Deploy or start it first"),
        ("PUT", "/autoscale", {}, 422, "targets"),
        ("PUT", "/autoscale", {"targets": {}}, 422, "targets"),
        ("PUT", "/autoscale", {"targets": {"cpu": 0}}, 422, "a target of 0 for cpu"),
        ("PUT", "/autoscale", {"targets": {"disk": 1}}, 422, "targets"),
        ("PATCH", "", {"scale_to_zero_enabled": True, "min_instances": 2}, 422, "set it to 0"),
        ("PATCH", "", {"scale_to_zero_enabled": True, "idle_timeout_minutes": 0}, 422, "idle_timeout_minutes"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_sentence(
    quiet_api: ApiServer, method: str, path: str, body: dict[str, object] | None, status: int, says: str
) -> None:
    await make(quiet_api)
    answer = await quiet_api.client.request(method, f"/v1/apps/shop{path}", json=body)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text


async def test_who_may_sleep_may_be_none_and_who_may_not_is_one_again(quiet_api: ApiServer) -> None:
    await make(quiet_api)
    told = {"scale_to_zero_enabled": True, "idle_timeout_minutes": 5}
    app = (await quiet_api.client.patch("/v1/apps/shop", json=told)).raise_for_status().json()
    assert (app["scale_to_zero_enabled"], app["idle_timeout_minutes"], app["min_instances"]) == (True, 5, 0)
    assert app["is_scaled_to_zero"] is False
    told = {"scale_to_zero_enabled": False}
    app = (await quiet_api.client.patch("/v1/apps/shop", json=told)).raise_for_status().json()
    assert (app["scale_to_zero_enabled"], app["min_instances"]) == (False, 1)


async def test_rules_replace_rules_and_go(quiet_api: ApiServer) -> None:
    await make(quiet_api)
    path = "/v1/apps/shop/autoscale"
    await quiet_api.client.put(path, json={"targets": {"cpu": 60, "memory": 80}, "max_instances": 5})
    put = await quiet_api.client.put(path, json={"targets": {"requests": 20}, "down_seconds": 600})
    shown = (await quiet_api.client.get(path)).raise_for_status().json()
    assert put.json() == shown
    assert (shown["enabled"], shown["min_instances"], shown["max_instances"]) == (True, 1, 5)
    assert shown["rules"]["targets"] == {"requests": 20}
    assert shown["rules"]["down_seconds"] == 600
    assert (await quiet_api.client.delete(path)).status_code == 204
    shown = (await quiet_api.client.get(path)).raise_for_status().json()
    assert (shown["enabled"], shown["rules"], shown["last_move"]) == (False, None, None)


async def test_a_sleeping_app_says_so_and_a_start_wakes_it(api: ApiServer) -> None:
    await make(api)
    api.system.engine.publish("example.org/shop:1")
    await api.client.post("/v1/apps/shop/deploy?wait=60")
    slept = await api.client.post("/v1/apps/shop/sleep")
    assert (slept.status_code, slept.json().get("status")) == (202, "sleeping"), slept.text
    assert (await api.client.post("/v1/apps/shop/sleep")).status_code == 200
    app = (await api.client.get("/v1/apps/shop")).json()
    assert (app["status"], app["is_scaled_to_zero"]) == ("sleeping", True)
    [instance] = (await api.client.get("/v1/apps/shop/instances")).json()["instances"]
    assert (instance["phase"], instance["ready"], instance["in_rotation"]) == ("sleeping", False, False)
    woken = await api.client.post("/v1/apps/shop/start")
    assert (woken.json()["message"], woken.json()["status"]) == ("The app is awake.", "running")
