"""Deliveries that are not what they say: refused, counted, and nothing is built."""

import json

import pytest

from tests.flow.api.api_server import ApiServer
from tests.flow.api.github_deliveries import Hook, branch_push

COMMIT = branch_push()["after"]


@pytest.mark.parametrize(
    "headers",
    [
        {"x_hub_signature_256": ""},
        {"x_hub_signature_256": "sha256="},
        {"x_hub_signature_256": "sha256=" + "0" * 64},
        {"x_hub_signature_256": "sha1=" + "0" * 40},
        {"x_hub_signature_256": "0" * 64},
    ],
)
async def test_a_wrong_signature_is_refused_and_counted(quiet_api: ApiServer, headers: dict[str, str]) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.deliver(branch_push(), **headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    (listed,) = (await quiet_api.client.get("/v1/apps/shop/webhooks")).json()["webhooks"]
    assert listed["rejected"] == 1
    assert await hook.deliveries() == []
    assert await hook.deployments() == []


async def test_the_signature_covers_every_byte(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    body = json.dumps(branch_push()).encode()
    other = Hook(quiet_api, hook.path, "another secret")

    assert (await hook.send(body)).status_code == 202
    assert (await other.send(body.replace(b"false", b"true "))).status_code == 401


@pytest.mark.parametrize("path", ["/webhooks/github/hok_none", "/webhooks/gitlab/hok_none", "/webhooks/none/none"])
async def test_a_hook_that_is_not_there(quiet_api: ApiServer, path: str) -> None:
    hook = Hook(quiet_api, path, "secret")

    assert (await hook.deliver(branch_push())).status_code == 404


async def test_a_hook_that_was_removed_is_not_there(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    (listed,) = (await quiet_api.client.get("/v1/apps/shop/webhooks")).json()["webhooks"]
    await quiet_api.client.delete(f"/v1/apps/shop/webhooks/{listed['id']}")

    assert (await hook.deliver(branch_push())).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"ref": 1}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"ref": "' + b"9" * 10_000 + b'"}',
        b'{"ref": ' + b"9" * 10_000 + b"}",
        b'{"ref": "refs/heads/master", "after": "\\ud800"}',
        b'{"ref": "refs/heads/\\ud800", "after": "' + COMMIT.encode() + b'"}',
        b'{"ref": "--upload-pack=x", "after": "' + COMMIT.encode() + b'"}',
        b'{"ref": "refs/heads/master", "after": "HEAD"}',
        b"\xff\xfe",
    ],
)
async def test_what_cannot_be_read_is_the_senders_fault_and_not_kept(quiet_api: ApiServer, body: bytes) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.send(body)

    assert answer.status_code == 400, answer.text
    assert await hook.deliveries() == []


@pytest.mark.parametrize("body", [b"", b"payload=%ff", b"other=1", b"payload={", b"a=1&" * 100, "ä".encode()])
async def test_a_form_that_cannot_be_read_is_the_senders_fault(quiet_api: ApiServer, body: bytes) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.send(body, content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 400, answer.text


async def test_an_id_that_no_provider_sends(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)

    assert (await hook.deliver(branch_push(), x_github_delivery="x" * 201)).status_code == 400
    assert await hook.deliveries() == []


async def test_more_than_a_provider_sends_is_refused(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.send(b" " * (25 * 1024 * 1024 + 1))

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
