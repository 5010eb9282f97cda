"""Promotion, approval, locks and maintenance over HTTP, and the queue that says why something waits."""

from typing import Any

import pytest

from slipyard.pipeline.pushes.receive_push import PushSeen, receive_push
from tests.flow.api.api_server import ApiServer
from tests.flow.api.git_client import push
from tests.flow.repository import Repository

IMAGE = {"type": "image", "image": "example.org/shop:1"}


async def make(api: ApiServer, slug: str, **body: Any) -> dict[str, Any]:
    answer = await api.client.post("/v1/apps", json={"name": slug, "deploy": False, **body})
    made: dict[str, Any] = answer.raise_for_status().json()
    return made


async def post(api: ApiServer, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await api.client.post(f"/v1/apps/{path}", json=body)
    return {"status_code": answer.status_code, **answer.json()}


async def queue(api: ApiServer) -> dict[str, str]:
    waiting = (await api.client.get("/v1/queue")).raise_for_status().json()["waiting"]
    return {f"{item['app']} {item['kind']}": item["reason"] for item in waiting}


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("promote", {}, 422, "Name the other app"),
        ("promote", {"to": "other", "from": "other"}, 422, "Name the other app"),
        ("promote", {"to": "nobody"}, 404, "no app 'nobody'"),
        ("promote", {"to": "other", "force": True}, 422, "Say in `reason`"),
        ("promote", {"to": "other"}, 409, "Nothing of shop is live"),
        ("promote", {"from": "other"}, 409, "Nothing of other is live"),
        ("deploy", {"force": True, "reason": " "}, 422, "Say in `reason`"),
        ("maintenance", {}, 422, ""),
        ("deployments/dep_x/approve", None, 404, "no deployment dep_x"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_sentence(
    quiet_api: ApiServer, path: str, body: dict[str, Any] | None, status: int, says: str
) -> None:
    await make(quiet_api, "shop", source=IMAGE)
    await make(quiet_api, "other")

    refused = await post(quiet_api, f"shop/{path}", body)

    assert refused["status_code"] == status
    assert says in refused["error"]["message"]


async def test_another_token_approves_and_the_same_does_not(api: ApiServer) -> None:
    api.system.engine.publish("example.org/shop:1")
    app = await make(api, "shop", source=IMAGE, protected=True)
    assert app["protected"] is True
    asked = await post(api, "shop/deploy")
    path = f"/v1/apps/shop/deployments/{asked['deployment_id']}/approve"
    assert "Waits for approval" in asked["message"]
    app = (await api.client.get("/v1/apps/shop")).json()
    assert (app["status"], "Waits for approval" in app["status_message"]) == ("creating", True)

    same = await api.client.post(path)
    async with api.client_of(api.token("apps:deploy")) as colleague:
        other = await colleague.post(f"{path}?wait=20")

    assert (same.status_code, "somebody else approves" in same.json()["error"]["message"]) == (403, True)
    assert (other.status_code, other.json()["status"]) == (200, "active")


async def token_for(api: ApiServer, person: str | None) -> str:
    body = {"name": "laptop", "scopes": ["apps:read", "apps:deploy"]} | ({"person": person} if person else {})
    made = (await api.client.post("/v1/tokens", json=body)).raise_for_status().json()
    assert (made["person"], made["created_by"]) == (person or made["created_by"], made["created_by"])
    secret: str = made["token"]
    return secret


async def test_nobody_approves_their_own_with_another_token(api: ApiServer) -> None:
    api.system.engine.publish("example.org/shop:1")
    await make(api, "shop", source=IMAGE, protected=True)
    asked = await post(api, "shop/deploy")
    path = f"/v1/apps/shop/deployments/{asked['deployment_id']}/approve"

    statuses = {}
    for person in (None, "anna"):
        async with api.client_of(await token_for(api, person)) as client:
            statuses[person] = (await client.post(path)).status_code

    assert statuses == {None: 403, "anna": 202}, "a token that says nothing is whose who made it"


async def test_two_tokens_of_a_person_are_one_also_for_what_they_pushed(api: ApiServer, repository: Repository) -> None:
    await make(api, "shop", protected=True)
    first, second = await token_for(api, "anna"), await token_for(api, "anna")
    repository.commit("one", main__py="1")
    assert (await push(repository, api.remote("shop", first))).status == 0
    (row,) = (await api.client.get("/v1/apps/shop/deployments")).json()["deployments"]
    path = f"/v1/apps/shop/deployments/{row['id']}/approve"

    async with api.client_of(second) as anna:
        own = await anna.post(path)

    assert (own.status_code, "whose token this is too" in own.json()["error"]["message"]) == (403, True)
    assert (await api.client.post(path)).status_code == 202


async def test_a_promotion_shows_its_chain(api: ApiServer) -> None:
    api.system.engine.publish("example.org/shop:1")
    await make(api, "staging", source=IMAGE)
    await make(api, "shop")
    first = await post(api, "staging/deploy?wait=20")

    promoted = await post(api, "shop/promote?wait=20", {"from": "staging"})

    assert promoted["status"] == "active"
    (row,) = (await api.client.get("/v1/apps/shop/deployments")).json()["deployments"]
    assert (row["promoted_from"], row["waits_for"]) == (first["deployment_id"], None)
    assert [link["app"] for link in row["chain"]] == ["staging", "shop"]


async def test_everything_that_waits_says_for_what(quiet_api: ApiServer) -> None:
    await make(quiet_api, "locked", source=IMAGE)
    locked = await post(quiet_api, "locked/lock", {"reason": "counting stock"})
    assert await post(quiet_api, "locked/lock", {"reason": "counting stock"}) | {"status_code": 202} == locked
    await make(quiet_api, "frozen", source=IMAGE, freeze=[{"reason": "Christmas"}])
    await make(quiet_api, "free", source=IMAGE)
    built = await make(quiet_api, "built")
    await make(quiet_api, "second")
    elsewhere = "https://git.example.org/team/checked.git"
    checked = await make(quiet_api, "checked", repo_url=elsewhere, triggers={"after_check": "tests"})
    for slug in ("locked", "frozen", "free", "built", "second"):
        await post(quiet_api, f"{slug}/deploy")
    seen = PushSeen(checked["id"], "refs/heads/main", "c" * 40, None, "github", "dev")
    await receive_push(quiet_api.context, seen)

    waiting = await queue(quiet_api)
    assert waiting["locked deployment"].startswith("Waits: locked is locked by administrator: counting stock.")
    assert waiting["frozen deployment"].startswith("Waits for the end of a freeze (Christmas) at ")
    assert waiting["free deployment"] == "Waits for a free worker."
    assert waiting["built deployment"] == "Waits for build 1, which is number 1 in the queue."
    assert waiting["second deployment"] == "Waits for build 1, which is number 2 in the queue."
    assert waiting["checked push"] == f"Waits for the check tests of {'c' * 12}."
    (row,) = (await quiet_api.client.get(f"/v1/apps/{built['id']}/deployments")).json()["deployments"]
    assert (row["waits_for"], row["queue_position"]) == (waiting["built deployment"], 1)


async def test_lock_and_maintenance_are_seen_at_the_app(api: ApiServer) -> None:
    await make(api, "shop")
    await post(api, "shop/lock", {"reason": "counting stock"})
    await post(api, "shop/maintenance", {"enabled": True, "message": "Back at noon"})

    app = (await api.client.get("/v1/apps/shop")).json()
    assert (app["lock"]["by"], app["lock"]["reason"]) == ("administrator", "counting stock")
    assert app["maintenance"] == {"enabled": True, "message": "Back at noon"}
    refused = await post(api, "shop/rollback")
    assert (refused["status_code"], refused["error"]["code"]) == (409, "locked")
    again = [await post(api, "shop/unlock"), await post(api, "shop/maintenance", {"enabled": False})]
    assert [answer["status_code"] for answer in again] == [202, 202]
    assert (await post(api, "shop/unlock"))["status_code"] == 200
    assert (await api.client.get("/v1/apps/shop")).json()["lock"] is None


async def test_a_push_to_a_locked_app_is_built_and_ends_with_the_reason(api: ApiServer, repository: Repository) -> None:
    await make(api, "shop")
    await post(api, "shop/lock", {"reason": "counting stock"})
    repository.commit("one", main__py="1")

    outcome = await push(repository, api.remote("shop"))

    assert outcome.status == 0
    assert any(
        line.startswith("Waits: shop is locked by administrator: counting stock.") for line in outcome.remote_lines
    )
    assert "Follow it with: slipyard deploy --follow shop" in outcome.remote_lines
    (build,) = (await api.client.get("/v1/apps/shop/builds")).json()["builds"]
    assert build["status"] == "succeeded"


async def test_a_check_that_nobody_runs_is_refused_instead_of_waited_for(quiet_api: ApiServer) -> None:
    wanted, elsewhere = {"triggers": {"after_check": "tests"}}, {"repo_url": "https://git.example.org/team/shop.git"}

    made = await quiet_api.client.post("/v1/apps", json={"name": "shop", **wanted})
    await make(quiet_api, "shop")
    changed = await quiet_api.client.patch("/v1/apps/shop", json=wanted)
    both = await quiet_api.client.patch("/v1/apps/shop", json=wanted | elsewhere)
    back = await quiet_api.client.patch("/v1/apps/shop", json={"repo_url": None})

    assert [each.status_code for each in (made, changed, both, back)] == [422, 422, 200, 422]
    for refused in (made, changed, back):
        assert refused.json()["error"]["details"][0]["field"] == "triggers.after_check"
        assert "Nobody runs the check tests" in refused.json()["error"]["message"]
