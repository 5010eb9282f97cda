"""An app is connected to its code host: what is made there, line by line, and that exactly this is taken back."""

import asyncio
import hashlib
import hmac
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
from sqlmodel import Session, select

from slipyard.pipeline.cleaning.clean_up_app import clean_up_apps
from slipyard.pipeline.telling.send_messages import SendWatch, send_messages
from slipyard.store.tables import Message
from tests.flow.api.api_server import ApiServer, serving
from tests.flow.code_hosts.hosted_repository import HostedRepository
from tests.flow.system import System

PATH = "/v1/apps/shop/webhooks"


EACH = pytest.mark.parametrize("provider", ["github", "gitlab", "forgejo"])


@pytest.fixture
def provider() -> str:
    """What does not depend on the provider is shown with one; `EACH` is all of them."""
    return "github"


@pytest.fixture
def host(provider: str):
    with HostedRepository(provider).serving() as running:
        yield running


@pytest.fixture
async def api(system: System, host: HostedRepository) -> AsyncIterator[ApiServer]:
    opened = {"allowed_networks": [ip_network("127.0.0.0/8")], "public_url": "https://deploy.example.org"}
    settings = system.context.settings.model_copy(update=opened)
    async with serving(system, replace(system.context, settings=settings), working=False) as server:
        body = {"name": "shop", "source": {"repo_url": f"{host.url}/acme/shop.git"}, "deploy": False}
        assert (await server.client.post("/v1/apps", json=body)).status_code == 201
        yield server


async def connected(api: ApiServer, host: HostedRepository) -> str:
    body = {"provider": host.provider, "url": host.url, "token": "t0ken"}
    answer = await api.client.post("/v1/connections", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def install(api: ApiServer, **more: object) -> dict:
    answer = await api.client.post(PATH, json={"install": True} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def source(api: ApiServer) -> dict:
    return (await api.client.get("/v1/apps/shop")).json()["source"]


def address_of(host: HostedRepository) -> str:
    (hook,) = host.hooks.values()
    return hook["config"]["url"] if "config" in hook else hook["url"]


async def test_without_a_connection_it_says_what_comes_first(api: ApiServer) -> None:
    answer = await api.client.post(PATH, json={"install": True})
    assert answer.status_code == 409
    assert "slipyard connect" in answer.json()["error"]["message"]
    assert (await api.client.get(PATH)).json()["total"] == 0


async def test_a_host_that_is_away_makes_nothing(api: ApiServer, host: HostedRepository) -> None:
    await connected(api, host)
    host.away = True
    answer = await api.client.post(PATH, json={"install": True})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert (await api.client.get(PATH)).json()["total"] == 0


async def test_what_was_half_made_is_finished_by_asking_again(api: ApiServer, host: HostedRepository) -> None:
    await connected(api, host)
    host.refuses.add("keys")
    refused = await api.client.post(PATH, json={"install": True})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "code_host_refused")
    (begun,) = (await api.client.get(PATH)).json()["webhooks"]

    host.refuses.clear()
    made = await install(api)
    again = await install(api)

    assert made["id"] == again["id"] == begun["id"]
    assert (len(host.hooks), len(host.keys)) == (1, 1)
    assert (await api.client.get("/v1/git-credentials")).json()["total"] == 1


@EACH
async def test_a_private_repository_gets_a_webhook_and_a_key_and_gives_them_back(
    api: ApiServer, host: HostedRepository
) -> None:
    connection = await connected(api, host)
    before = await source(api)
    own = {"url": "https://other.example.org", "key": "ssh-ed25519 AAAAtheirs"}
    host.hooks["1"], host.keys["1"] = own | {"config": own}, own

    made = await install(api)

    assert (made["state"], made["secret"], made["provider"]) == ("waiting", None, host.provider)
    hook_id, key_id = made["installed"]["hook_id"], made["installed"]["deploy_key_id"]
    assert [line.split(" ")[0] for line in made["done"]] == ["Asked", "Webhook", "Deploy", "Waiting"]
    hook = host.hooks[hook_id]
    address = hook["config"]["url"] if "config" in hook else hook["url"]
    assert address == f"https://deploy.example.org/webhooks/{host.provider}/{made['id']}"
    assert any("request" in name for name in [*hook.get("events", []), *(key for key in hook if hook[key] is True)])
    key = host.keys[key_id]
    assert key["key"].startswith("ssh-ed25519 ")
    assert key.get("read_only", not key.get("can_push")) is True
    after = await source(api)
    assert after["repo_url"] == "ssh://git@127.0.0.1/acme/shop.git"
    assert after["credential_id"] == made["installed"]["credential_id"]
    refused = await api.client.delete(f"/v1/connections/{connection}")
    assert refused.status_code == 409

    gone = await api.client.delete(f"{PATH}/{made['id']}")

    assert gone.status_code == 200, gone.text
    assert f"Removed webhook {hook_id} of acme/shop." in gone.json()["message"]
    assert (set(host.hooks), set(host.keys)) == ({"1"}, {"1"})
    assert await source(api) == before
    assert (await api.client.get("/v1/git-credentials")).json()["total"] == 0
    assert (await api.client.delete(f"/v1/connections/{connection}")).status_code == 200


async def test_a_public_repository_gets_no_key_unless_it_is_wanted(api: ApiServer, host: HostedRepository) -> None:
    await connected(api, host)
    host.public = True
    made = await install(api)
    assert (made["installed"]["deploy_key_id"], host.keys) == (None, {})
    assert (await source(api))["credential_id"] is None

    made = await install(api, deploy_key=True, ssh_url="ssh://git@127.0.0.1:2222/acme/shop.git")
    assert len(host.keys) == 1
    assert (await source(api))["repo_url"] == "ssh://git@127.0.0.1:2222/acme/shop.git"
    assert address_of(host).endswith(made["id"])


@EACH
async def test_what_is_gone_already_is_fine(api: ApiServer, host: HostedRepository) -> None:
    await connected(api, host)
    made = await install(api)
    host.hooks.clear()
    host.keys.clear()

    assert (await api.client.delete(f"{PATH}/{made['id']}")).status_code == 200
    assert (await api.client.get(PATH)).json()["total"] == 0


async def test_a_host_that_is_away_keeps_it_until_force_forgets_it_here(api: ApiServer, host: HostedRepository) -> None:
    await connected(api, host)
    made = await install(api)
    before = await source(api)
    host.away = True

    kept = await api.client.delete(f"{PATH}/{made['id']}")
    assert kept.status_code == 503
    assert "still there" in kept.json()["error"]["message"]
    assert (await source(api), (await api.client.get(PATH)).json()["total"]) == (before, 1)

    forced = await api.client.delete(f"{PATH}/{made['id']}?force=true")
    assert forced.status_code == 200
    assert f"Left at 127.0.0.1:{host.url.rpartition(':')[2]}: webhook" in forced.json()["message"]
    assert (await api.client.get(PATH)).json()["total"] == 0
    assert (await source(api))["credential_id"] is None


async def send_again(api: ApiServer) -> Message:
    """As if it was due; what became of the one message that takes back."""

    def due(session: Session) -> Message:
        row = session.exec(select(Message).where(Message.kind == "take_back")).one()
        row.next_at = row.created_at
        session.add(row)
        return row

    row = await api.context.database.writing(due)
    await send_messages(api.context, SendWatch())
    return await api.context.database.reading(lambda session: session.get_one(Message, row.id))


@EACH
async def test_deleting_the_app_takes_everything_back_whenever_the_host_answers(
    api: ApiServer, host: HostedRepository
) -> None:
    connection = await connected(api, host)
    made = (await install(api))["installed"]
    host.away = True

    answer = await api.client.delete("/v1/apps/shop")

    what = f"webhook {made['hook_id']} and the deploy key {made['deploy_key_id']} of acme/shop will be removed there."
    assert (answer.status_code, what in answer.json()["message"]) == (202, True), answer.text
    row = await send_again(api)
    assert (row.finished_at, row.attempts, bool(row.error)) == (None, 1, True)
    host.away, host.refuses = False, {"keys"}
    await send_again(api)
    assert (await send_again(api)).finished_at is None, "another token may be allowed to"
    refused = await api.client.delete(f"/v1/connections/{connection}")
    assert (refused.status_code, "still being taken back" in refused.text or "Disconnect" in refused.text) == (
        409,
        True,
    )
    host.refuses = set()
    assert (await send_again(api)).delivered
    assert (host.hooks, host.keys) == ({}, {})


async def test_a_connection_stays_until_what_it_made_is_gone(api: ApiServer, host: HostedRepository) -> None:
    connection = await connected(api, host)
    await install(api)
    await api.client.delete("/v1/apps/shop")
    await clean_up_apps(api.context)
    assert (await api.client.get("/v1/apps/shop")).status_code == 404

    refused = await api.client.delete(f"/v1/connections/{connection}")
    assert (refused.status_code, "still being taken back" in refused.text) == (409, True)

    await send_again(api)
    assert (await api.client.delete(f"/v1/connections/{connection}")).status_code == 200


async def test_an_app_that_made_nothing_there_asks_nobody(api: ApiServer, host: HostedRepository) -> None:
    await connected(api, host)
    before = list(host.calls)
    assert "will be removed" not in (await api.client.delete("/v1/apps/shop")).json()["message"]
    await send_messages(api.context, SendWatch())
    assert host.calls == before


async def test_an_address_that_nobody_else_reaches_is_said(system: System, host: HostedRepository) -> None:
    settings = system.context.settings.model_copy(update={"allowed_networks": [ip_network("127.0.0.0/8")]})
    async with serving(system, replace(system.context, settings=settings), working=False) as api:
        body = {"name": "shop", "source": {"repo_url": f"{host.url}/acme/shop.git"}, "deploy": False}
        await api.client.post("/v1/apps", json=body)
        await connected(api, host)
        made = await install(api)
        assert any("SLIPYARD_PUBLIC_URL" in line for line in made["done"])


@EACH
async def test_what_the_host_signs_with_the_secret_it_was_given_is_taken(
    api: ApiServer, host: HostedRepository
) -> None:
    await connected(api, host)
    made = await install(api)
    hook = host.hooks[made["installed"]["hook_id"]]
    body = b'{"zen": "x", "object_kind": "push"}'
    signature = hmac.digest(hook.get("config", {}).get("secret", "").encode(), body, hashlib.sha256).hex()
    headers = {
        "github": {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "1", "X-Hub-Signature-256": f"sha256={signature}"},
        "gitlab": {"X-Gitlab-Event": "Note Hook", "X-Gitlab-Token": hook.get("token", "")},
        "forgejo": {"X-Forgejo-Event": "ping", "X-Forgejo-Delivery": "1", "X-Forgejo-Signature": signature},
    }[host.provider]

    path = f"/webhooks/{host.provider}/{made['id']}"
    taken = await api.client_of(None).post(path, content=body, headers=headers)
    forged = await api.client_of(None).post(path, content=body + b" ", headers=dict.fromkeys(headers, "x"))

    assert (taken.status_code, forged.status_code) == (200, 401), taken.text
    assert (await api.client.get(PATH)).json()["webhooks"][0]["state"] == "connected"


async def test_the_command_line_connects_and_disconnects(api: ApiServer, host: HostedRepository) -> None:
    async def slipyard(*arguments: str, typed: bytes = b"") -> tuple[int, str]:
        environment = os.environ | {"SLIPYARD_URL": api.url, "SLIPYARD_TOKEN": api.secret}
        line = [sys.executable, "-m", "slipyard.cli", *arguments, "--app", "shop"]
        process = await asyncio.create_subprocess_exec(*line, env=environment, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
        out, _ = await process.communicate(typed)
        return process.returncode or 0, out.decode()

    code, said = await slipyard("disconnect")
    assert (code, "Nothing was made" in said) == (2, True)

    code, said = await slipyard("connect", host.provider, "--url", host.url, "--token-stdin", typed=b"t0ken\n")
    assert code == 0, said
    assert "Deploy key" in said
    assert said.splitlines()[-1] == "Waiting for your first push."
    code, said = await slipyard("connect", host.provider, "--url", host.url)
    assert code == 0, "it asks for no token that it has"

    code, said = await slipyard("disconnect")
    assert (code, "Removed webhook" in said, host.hooks, host.keys) == (0, True, {}, {})


async def test_webhook_and_key_stay_until_the_last_app_that_needs_them_is_deleted(
    api: ApiServer, host: HostedRepository
) -> None:
    connection = await connected(api, host)
    made = (await install(api))["installed"]
    body = {"name": "docs", "source": await source(api), "deploy": False}
    assert (await api.client.post("/v1/apps", json=body)).status_code == 201

    answer = await api.client.delete("/v1/apps/shop")

    assert "is one of docs from now on, which it feeds too." in answer.json()["message"]
    await send_messages(api.context, SendWatch())
    await clean_up_apps(api.context)
    assert (
        f"Deploy key {made['deploy_key_id']} of acme/shop stays: docs is fetched with it." in answer.json()["message"]
    )
    assert (list(host.hooks), list(host.keys)) == ([made["hook_id"]], [made["deploy_key_id"]])
    (hook,) = (await api.client.get("/v1/apps/docs/webhooks")).json()["webhooks"]
    assert hook["installed"]["hook_id"] == made["hook_id"]
    assert (await api.client.delete(f"/v1/connections/{connection}")).status_code == 409

    assert "will be removed there" in (await api.client.delete("/v1/apps/docs")).json()["message"]
    await send_again(api)
    assert (host.hooks, host.keys) == ({}, {})


async def test_a_webhook_goes_where_another_app_has_one_that_feeds_all(api: ApiServer, host: HostedRepository) -> None:
    await connected(api, host)
    await install(api)
    body = {"name": "docs", "source": await source(api), "deploy": False}
    assert (await api.client.post("/v1/apps", json=body)).status_code == 201
    other = (await api.client.post("/v1/apps/docs/webhooks", json={"provider": "github", "install": True})).json()

    await api.client.delete("/v1/apps/shop")
    await send_again(api)

    assert list(host.hooks) == [other["installed"]["hook_id"]]
