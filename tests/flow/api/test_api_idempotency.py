"""The same request, sent again, has one effect and one answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlmodel import select

from slipyard.api.access import idempotency
from slipyard.store.tables import App, Deployment, Hook, Token
from tests.flow.api.api_server import ApiServer
from tests.flow.api.tarballs import tarball

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


@pytest.mark.parametrize(
    ("path", "body", "secret"),
    [
        ("/v1/apps", {"name": "second", "image": "example.org/shop:2"}, None),
        ("/v1/apps/shop/deploy", {"title": "again"}, None),
        ("/v1/apps/shop/deploy/image", {"image_uri": "example.org/shop:2"}, None),
        ("/v1/apps/shop/webhooks", {"provider": "github"}, "secret"),
        ("/v1/tokens", {"name": "ci", "scopes": ["apps:read"]}, "token"),
    ],
)
async def test_a_process_that_died_before_its_answer_has_one_effect_and_the_same_answer(
    quiet_api: ApiServer, path: str, body: dict[str, object], secret: str | None
) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop", "image": "example.org/shop:1"})
    with _dying_before_the_answer():
        died = await quiet_api.client.post(path, json=body, headers=KEY)
    before = _counts(quiet_api)

    first, second = [await quiet_api.client.post(path, json=body, headers=KEY) for _ in range(2)]

    assert died.status_code == 500
    assert (first.status_code, second.status_code) == (second.status_code, 201 if "deploy" not in path else 202)
    assert first.json() == second.json()
    assert secret is None or first.json()[secret] is None
    assert _counts(quiet_api) == before


async def test_a_process_that_died_before_it_did_anything_leaves_the_key_free(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"})
    with _dying_before_the_answer():
        await quiet_api.client.post("/v1/apps/shop/stop", headers=KEY)

    again = await quiet_api.client.post("/v1/apps/shop/stop", headers=KEY)

    assert (again.status_code, again.json()["status"]) == (200, "stopped")


async def test_an_upload_under_a_key_counts_once(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"})

    first, second = [
        await quiet_api.client.post("/v1/apps/shop/build", files={"source": tarball(main="1")}, headers=KEY)
        for _ in range(2)
    ]

    assert first.status_code == 202
    assert first.json() == second.json()
    assert (await quiet_api.client.get("/v1/apps/shop/builds")).json()["total"] == 1


@contextmanager
def _dying_before_the_answer() -> Iterator[None]:
    """The work is committed; then neither an answer is kept nor anything tidied up, as after a kill."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(idempotency, "_keep", _killed)
        patch.setattr(idempotency, "_drop", lambda _session, _once: None)
        yield


async def _killed(*_: object) -> None:
    raise ZeroDivisionError


def _counts(api: ApiServer) -> list[int]:
    tables = (App, Deployment, Hook, Token)
    return [len(api.system.read(lambda session: session.exec(select(each)).all())) for each in tables]  # noqa: B023 - called at once
