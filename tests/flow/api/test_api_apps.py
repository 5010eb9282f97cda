"""Apps over HTTP: made, listed, changed and deleted."""

import pytest

from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.schemas.app_output import AppView
from tests.flow.api.api_server import ApiServer, until


async def new(api: ApiServer, name: str, **fields: object) -> dict[str, object]:
    answer = await api.client.post("/v1/apps", json={"name": name} | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def names(api: ApiServer, query: str) -> list[str]:
    return [app["name"] for app in (await api.client.get(f"/v1/apps?{query}")).json()["apps"]]


async def test_a_name_that_is_taken_is_a_conflict(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop")

    answer = await quiet_api.client.post("/v1/apps", json={"name": "Shop"})

    assert answer.status_code == 409
    assert answer.json()["error"]["details"][0]["field"] == "name"


@pytest.mark.parametrize("field", ["slug", "region", "plan"])
async def test_what_is_fixed_is_immutable(quiet_api: ApiServer, field: str) -> None:
    await new(quiet_api, "shop")

    answer = await quiet_api.client.patch("/v1/apps/shop", json={field: "other"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "immutable")


async def test_a_change_of_what_somebody_else_changed_is_refused(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop")
    tag = (await quiet_api.client.get("/v1/apps/shop")).headers["ETag"]
    first = await quiet_api.client.patch("/v1/apps/shop", json={"port": 8000}, headers={"If-Match": tag})

    second = await quiet_api.client.patch("/v1/apps/shop", json={"port": 9000}, headers={"If-Match": tag})

    assert first.status_code == 200
    assert first.headers["ETag"] != tag
    assert (second.status_code, second.json()["error"]["code"]) == (412, "precondition_failed")
    assert (await quiet_api.client.get("/v1/apps/shop")).json()["port"] == 8000


async def test_a_name_is_all_that_an_app_needs(quiet_api: ApiServer) -> None:
    app = await new(quiet_api, "My Shop!")

    assert app["slug"] == "my-shop"
    assert app["status"] == "creating"
    assert app["url"] is None
    assert app["default_url"] == "http://my-shop.localhost:8080"
    assert app["git_url"] == f"{quiet_api.context.settings.api_url}/git/my-shop.git"
    assert set(app) == set(AppView.model_fields)
    assert str(app["created_at"]).endswith("Z")


async def test_an_image_is_deployed_at_once(api: ApiServer) -> None:
    app = await new(api, "shop", image="example.org/shop:1", deploy=True)

    assert app["active_deployment_id"] is None
    deployments = (await api.client.get("/v1/apps/shop/deployments")).json()["deployments"]
    assert [row["image"] for row in deployments] == ["example.org/shop:1"]


async def test_an_image_waits_where_it_is_told_to(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop", image="example.org/shop:1", deploy=False)

    assert (await quiet_api.client.get("/v1/apps/shop/deployments")).json()["total"] == 0


async def test_a_change_leaves_the_rest_as_it_is(quiet_api: ApiServer) -> None:
    await new(
        quiet_api, "shop", dockerfile="prod.Dockerfile", env={"A": "1"}, labels={"a": "1"}, health_check_path="/up"
    )

    changed = (await quiet_api.client.put("/v1/apps/shop", json={"branch": "dev", "labels": {"b": "2"}})).json()

    assert (changed["source"]["branch"], changed["source"]["dockerfile"]) == ("dev", "prod.Dockerfile")
    assert changed["labels"] == {"b": "2"}
    assert changed["health_check_path"] == "/up"
    assert (await quiet_api.client.get("/v1/apps/shop/env")).json()["values"] == {"A": "1"}


async def test_renaming_keeps_the_slug(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop")

    changed = (await quiet_api.client.patch("/v1/apps/shop", json={"name": "Store"})).json()

    assert (changed["name"], changed["slug"]) == ("Store", "shop")


async def test_lists_are_cut_sorted_and_filtered(quiet_api: ApiServer) -> None:
    for name, team in (("alpha", "a"), ("beta", "b"), ("gamma", "a")):
        await new(quiet_api, name, labels={"team": team}, description=f"the {name}", environment="staging")

    assert await names(quiet_api, "") == ["gamma", "beta", "alpha"]
    assert await names(quiet_api, "sort=name:asc&limit=2") == ["alpha", "beta"]
    assert await names(quiet_api, "sort=createdAt:asc&page=2&page_size=2") == ["gamma"]
    assert await names(quiet_api, "label=team:a&sort=name") == ["alpha", "gamma"]
    assert await names(quiet_api, "search=the%20bet") == ["beta"]
    assert await names(quiet_api, "environment=production") == []
    assert await names(quiet_api, "status=pending&sort=name:desc&limit=1") == ["gamma"]
    assert await names(quiet_api, "status=running") == []


async def test_a_list_says_where_it_stands(quiet_api: ApiServer) -> None:
    for name in ("alpha", "beta", "gamma"):
        await new(quiet_api, name)

    page = (await quiet_api.client.get("/v1/apps?limit=2&offset=2")).json()

    frame = {key: value for key, value in page.items() if key != "apps"}
    assert frame == {"total": 3, "limit": 2, "offset": 2, "page": 2, "page_size": 2, "has_more": False}


async def test_names_for_readers_values_for_writers(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop", env={"KEY": "hunter2"})

    seen = await quiet_api.client_of(quiet_api.token("apps:read")).get("/v1/apps/shop/env")

    assert seen.json()["env_vars"][0]["name"] == "KEY"
    assert "hunter2" not in seen.text
    assert (await quiet_api.client.get("/v1/apps/shop/env")).json()["values"] == {"KEY": "hunter2"}


async def test_patch_merges_and_put_replaces_the_environment(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop", env={"A": "1", "B": "2"})

    merged = await quiet_api.client.patch("/v1/apps/shop/env", json={"env_vars": {"A": None, "C": "3"}})
    replaced = await quiet_api.client.put("/v1/apps/shop/env", json={"env": {"D": "4"}})

    assert merged.json()["values"] == {"B": "2", "C": "3"}
    assert replaced.json()["values"] == {"D": "4"}


async def test_a_deleted_app_is_gone(api: ApiServer) -> None:
    await new(api, "shop")

    answer = await api.client.delete("/v1/apps/shop")
    assert answer.status_code == 202
    assert answer.json()["success"]

    await api.system.control("clean_up")
    await until(lambda: _answers(api, "/v1/apps/shop", 404))
    listed = (await api.client.get("/v1/apps?include_deleted=true")).json()["apps"]
    assert [app["status"] for app in listed] == ["removed"]


async def test_actions_answer_in_one_shape(quiet_api: ApiServer) -> None:
    app = await new(quiet_api, "shop", image="example.org/shop:1", deploy=False)

    answer = await quiet_api.client.post("/v1/apps/shop/deploy", json={"title": "first"})

    assert answer.status_code == 202
    action = answer.json()
    assert (action["success"], action["status"], action["app_id"]) == (True, "pending", app["id"])
    assert action["deployment_id"].startswith("dep_")


async def test_what_is_so_already_is_answered_with_200(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop")
    first, second = [await quiet_api.client.post("/v1/apps/shop/stop") for _ in range(2)]

    assert (first.status_code, second.status_code) == (202, 200)


async def test_a_deployment_can_be_waited_for_and_gone_back_from(api: ApiServer) -> None:
    for tag in ("1", "2"):
        api.system.engine.publish(f"example.org/shop:{tag}", Behaviour(port=3000))
    await new(api, "shop", image="example.org/shop:1", deploy=False)
    first = await api.client.post("/v1/apps/shop/deploy?wait=20")
    second = await api.client.post("/v1/apps/shop/deploy/image?wait=20", json={"image_uri": "example.org/shop:2"})
    assert (first.status_code, first.json()["status"], second.json()["status"]) == (200, "active", "active")
    assert (await api.client.get("/v1/apps/shop")).json()["active_image"] == "example.org/shop:2"

    back = await api.client.post("/v1/apps/shop/rollback?wait=20")
    again = await api.client.post(f"/v1/apps/shop/deployments/{second.json()['deployment_id']}/revert?wait=20")

    assert (back.json()["release_id"], again.json()["release_id"]) == (
        first.json()["release_id"],
        second.json()["release_id"],
    )
    status = (await api.client.get("/v1/apps/shop/status")).json()
    assert (status["state"], status["ready_replicas"], status["url"]) == ("running", 1, "http://shop.localhost:8080")
    releases = (await api.client.get("/v1/apps/shop/releases")).json()["releases"]
    assert [release["active"] for release in releases] == [True, False]


async def test_an_image_that_is_not_there_fails_with_the_reason(api: ApiServer) -> None:
    await new(api, "shop", image="example.org/shop:none", deploy=False)

    action = (await api.client.post("/v1/apps/shop/deploy?wait=20")).json()

    assert (action["success"], action["status"]) == (False, "failed")
    assert "example.org/shop:none" in action["message"]
    assert (await api.client.get("/v1/apps/shop")).json()["last_error"] == action["message"]


async def test_what_is_over_cannot_be_cancelled(api: ApiServer) -> None:
    await new(api, "shop", image="example.org/shop:none", deploy=False)
    action = (await api.client.post("/v1/apps/shop/deploy?wait=20")).json()

    answer = await api.client.post(f"/v1/apps/shop/deployments/{action['deployment_id']}/cancel")

    assert answer.status_code == 409


async def test_what_waits_can_be_cancelled_and_says_why_it_waits(quiet_api: ApiServer) -> None:
    await new(quiet_api, "shop", image="example.org/shop:1")
    (item,) = (await quiet_api.client.get("/v1/queue")).json()["waiting"]
    assert (item["kind"], item["reason"]) == ("deployment", "Waits for a free worker.")

    answer = await quiet_api.client.post(f"/v1/apps/shop/deployments/{item['id']}/cancel")

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert (await quiet_api.client.get("/v1/queue")).json() == {"running": [], "waiting": []}


async def _answers(api: ApiServer, path: str, status: int) -> bool:
    return (await api.client.get(path)).status_code == status
