"""The same request, sent again, has one effect and one answer."""

import asyncio

from tests.flow.api.api_server import ApiServer

KEY = {"Idempotency-Key": "5e6c"}


async def test_another_body_under_the_same_key_is_refused(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"}, headers=KEY)

    answer = await quiet_api.client.post("/v1/apps", json={"name": "other"}, headers=KEY)

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_mismatch")
    assert (await quiet_api.client.get("/v1/apps")).json()["total"] == 1


async def test_a_key_that_is_no_key_is_refused(quiet_api: ApiServer) -> None:
    for key in ("", "x" * 256):
        answer = await quiet_api.client.post("/v1/apps", json={"name": "shop"}, headers={"Idempotency-Key": key})
        assert answer.status_code == 400


async def test_a_refused_request_may_be_corrected_under_its_key(quiet_api: ApiServer) -> None:
    refused = await quiet_api.client.post("/v1/apps", json={"name": ""}, headers=KEY)
    made = await quiet_api.client.post("/v1/apps", json={"name": "shop"}, headers=KEY)

    assert (refused.status_code, made.status_code) == (422, 201)


async def test_the_first_answer_comes_again(quiet_api: ApiServer) -> None:
    first, second = [await quiet_api.client.post("/v1/apps", json={"name": "shop"}, headers=KEY) for _ in range(2)]

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"


async def test_both_prefixes_are_one_route(quiet_api: ApiServer) -> None:
    first = await quiet_api.client.post("/v1/apps", json={"name": "shop"}, headers=KEY)
    second = await quiet_api.client.post("/api/v1/apps", json={"name": "shop"}, headers=KEY)

    assert first.json() == second.json()


async def test_ten_at_once_have_one_effect(quiet_api: ApiServer) -> None:
    async def create() -> int:
        return (await quiet_api.client.post("/v1/apps", json={"name": "shop"}, headers=KEY)).status_code

    codes = await asyncio.gather(*(create() for _ in range(10)))

    assert set(codes) <= {201, 409}
    assert 201 in codes
    assert (await quiet_api.client.get("/v1/apps")).json()["total"] == 1


async def test_keys_of_two_tokens_are_two_keys(quiet_api: ApiServer) -> None:
    for name in ("one", "two"):
        client = quiet_api.client_of(quiet_api.token("admin", name=name))
        assert (await client.post("/v1/apps", json={"name": name}, headers=KEY)).json()["name"] == name


async def test_a_secret_is_shown_once_also_under_a_key(quiet_api: ApiServer) -> None:
    body = {"name": "ci", "scopes": ["apps:read"]}
    first, second = [await quiet_api.client.post("/v1/tokens", json=body, headers=KEY) for _ in range(2)]

    assert first.json()["token"].startswith("sly_")
    assert second.json() == first.json() | {"token": None}


async def test_a_process_that_died_in_between_leaves_the_key_usable(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"}, headers=KEY)
    _as_if_unanswered(quiet_api)
    await quiet_api.client.delete("/v1/apps/shop")

    again = await quiet_api.client.post("/v1/apps", json={"name": "shop"}, headers=KEY)

    assert again.status_code in {201, 409}
    assert "still being answered" not in again.text


def _as_if_unanswered(api: ApiServer) -> None:
    from sqlalchemy import update

    from slipyard.store.tables import KeptAnswer

    with api.context.database.write() as session:
        session.execute(update(KeptAnswer).values(status=None, body=""))
