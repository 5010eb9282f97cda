"""Each of the ten providers over HTTP: what proves itself is written down and answered once, and all else is counted."""

import json
from typing import Any

import pytest

from slipyard.store.tables import Delivery
from tests.data.webhooks.messages import (
    ALL,
    AZURE_PUSH,
    BITBUCKET_PUSH,
    DATA_CENTER_PUSH,
    DOCKER_HUB_PUSH,
    FORGEJO_PUSH,
    GENERIC_PUSH,
    GITEA_PUSH,
    GITLAB_PUSH,
    REGISTRY_EVENTS,
    Message,
)
from tests.flow.api.api_server import ApiServer
from tests.flow.api.github_deliveries import branch_push
from tests.flow.api.provider_hook import ProviderHook

GITHUB_PUSH = Message(
    "github",
    {"x-github-event": "push", "x-github-delivery": "72d3162e", "content-type": "application/json"},
    branch_push(ref="refs/heads/main"),
)
OF_EACH = (
    GITHUB_PUSH, GITLAB_PUSH, GITEA_PUSH, FORGEJO_PUSH, BITBUCKET_PUSH, DATA_CENTER_PUSH, AZURE_PUSH, DOCKER_HUB_PUSH,
    REGISTRY_EVENTS, GENERIC_PUSH,
)  # fmt: skip
IMAGES = {"dockerhub", "registry"}


@pytest.mark.parametrize("message", OF_EACH, ids=[message.provider for message in OF_EACH])
async def test_a_delivery_counts_where_it_proves_itself_and_once(quiet_api: ApiServer, message: Message) -> None:
    hook = await ProviderHook.make(quiet_api, message.provider, **message.settings)
    body = json.dumps(message.body).encode()
    strangers = [
        await hook.deliver(message, secret="f" * 64),
        await quiet_api.client_of(None).post(hook.path, content=body, headers=message.headers),
    ]
    first, again = await hook.deliver(message), await hook.deliver(message)
    (delivery,), listed = await hook.deliveries(), await hook.listed()

    assert [answer.status_code for answer in (*strangers, again)] == [401, 401, 200]
    assert (listed["rejected"], listed["rejected_at"] is not None) == (2, True)
    assert "secret" in listed["rejection"] or "missing" in listed["rejection"]
    assert first.status_code in ({200, 202} if message.provider in IMAGES or "skip" in str(message.body) else {202})
    assert "received before" in again.json()[0]["message"]
    assert (delivery["verdict"], delivery["deployment_id"]) == (
        first.json()[0]["status"],
        first.json()[0]["deployment_id"],
    )
    row = quiet_api.system.read(lambda session: session.get_one(Delivery, delivery["id"]))
    assert (row.body, row.body_bytes) == (body, len(body))
    assert hook.view["secret"] not in str(row.headers)


async def test_every_message_is_answered_with_a_reason(quiet_api: ApiServer) -> None:
    await ProviderHook.make_app(quiet_api)
    for name, message in ALL.items():
        hook = await ProviderHook.add(quiet_api, message.provider, **message.settings)

        answer = await hook.deliver(message)

        assert answer.status_code in {200, 202}, (name, answer.text)
        assert answer.json()[0]["message"], name


async def test_a_signing_token_of_gitlab(quiet_api: ApiServer) -> None:
    hook = await ProviderHook.make(quiet_api, "gitlab", scheme="signature")
    secret = hook.view["secret"]

    right = await hook.deliver(GITLAB_PUSH)
    token = await quiet_api.client_of(None).post(
        hook.path, json=GITLAB_PUSH.body, headers=GITLAB_PUSH.headers | {"x-gitlab-token": secret}
    )

    assert secret.startswith("whsec_")
    assert (right.status_code < 300, token.status_code) == (True, 401)


async def test_the_secret_in_an_address_is_not_logged(quiet_api: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    hook = await ProviderHook.make(quiet_api, "dockerhub")

    await hook.deliver(DOCKER_HUB_PUSH)

    logged = capsys.readouterr()
    assert hook.path in logged.out + logged.err
    assert hook.view["secret"] not in logged.out + logged.err


async def test_the_answer_says_what_to_enter_and_never_the_secret(quiet_api: ApiServer) -> None:
    hook = await ProviderHook.make(quiet_api, "dockerhub")

    assert hook.view["enter"][0] == f"URL: {hook.view['url']}.<secret>"
    assert hook.view["secret"] not in str(hook.view["enter"]) + str(await hook.listed())
    assert (await hook.listed())["scheme"] == "none"


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"provider": "svn"}, "provider"),
    ({"provider": "github", "scheme": "token"}, "proves itself by signature"),
    ({"provider": "dockerhub", "scheme": "signature"}, "proves itself by none"),
    ({"provider": "github", "header": "X-Signature"}, "a header of its own"),
    ({"provider": "github", "fields": {"ref": "/ref"}}, "in its own way"),
    ({"provider": "generic"}, "`ref` and `commit`, or `image`"),
    ({"provider": "generic", "fields": {"ref": "/ref"}}, "`ref` and `commit`, or `image`"),
    ({"provider": "generic", "fields": {"ref": "/a", "commit": "/b", "image": "/c"}}, "`ref` and `commit`, or"),
    ({"provider": "generic", "fields": {"image": "image"}}, "no JSON pointer"),
    ({"provider": "generic", "fields": {"image": "/a" * 300}}, "at most 500"),
    ({"provider": "generic", "fields": {"image": "/a"}, "header": "Content-Type"}, "a header of your own"),
    ({"provider": "generic", "fields": {"image": "/a"}, "header": "X y"}, "a header of your own"),
    ({"provider": "generic", "fields": {"picture": "/a"}}, "picture"),
]


async def test_a_webhook_that_could_never_work_is_not_made(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"})
    for asked, problem in IMPOSSIBLE:
        refused = await quiet_api.client.post("/v1/apps/shop/webhooks", json=asked)

        assert refused.status_code == 422, asked
        assert problem in refused.text
    assert (await quiet_api.client.get("/v1/apps/shop/webhooks")).json()["total"] == 0
