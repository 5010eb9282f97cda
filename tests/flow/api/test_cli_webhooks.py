"""`slipyard webhooks` and `slipyard deliveries` against the real API."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable

import pytest

from tests.flow.api.api_server import ApiServer
from tests.flow.api.github_deliveries import Hook, branch_push

Command = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def command(quiet_api: ApiServer) -> Command:
    """Exit code, standard output and standard error of `slipyard ... --app shop`."""
    environment = os.environ | {"SLIPYARD_URL": quiet_api.url, "SLIPYARD_TOKEN": quiet_api.secret}

    async def one(*arguments: str) -> tuple[int, str, str]:
        line = [sys.executable, "-m", "slipyard.cli", *arguments, "--app", "shop"]
        process = await asyncio.create_subprocess_exec(*line, env=environment, stdout=PIPE, stderr=PIPE)
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    return one


async def test_a_delivery_that_is_not_there_is_refused(quiet_api: ApiServer, command: Command) -> None:
    await Hook.make(quiet_api)

    for arguments in (("deliveries", "show", "dlv_1"), ("deliveries", "replay", "dlv_1"), ("webhooks", "delete", "x")):
        code, out, err = await command(*arguments)
        assert (code, out) == (3, "")
        assert "lists" in err


async def test_wrong_fields_are_wrong_usage(quiet_api: ApiServer, command: Command) -> None:
    await Hook.make(quiet_api)

    code, _, err = await command("webhooks", "create", "generic", "--field", "ref")

    assert code == 2
    assert "ref=/push/ref" in err


async def test_a_ping_that_does_not_arrive_is_exit_code_1(quiet_api: ApiServer, command: Command) -> None:
    """The public URL of these settings is a port where nobody listens."""
    await Hook.make(quiet_api)

    code, out, _ = await command("webhooks", "test")

    assert code == 1
    assert "SLIPYARD_PUBLIC_URL" in out


async def test_nothing_delivered_yet_says_where_to_look(quiet_api: ApiServer, command: Command) -> None:
    await Hook.make(quiet_api)

    assert "slipyard webhooks list" in (await command("deliveries"))[1]
    assert "Waiting for your first push." in (await command("webhooks", "list"))[1]


async def test_a_webhook_is_made_rotated_and_deleted(quiet_api: ApiServer, command: Command) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "shop"})

    pointers = ("--field", "ref=/push/ref", "--field", "commit=/push/id")
    code, out, _ = await command("webhooks", "create", "generic", *pointers, "--scheme", "token", "--header", "X-Mine")
    made = json.loads((await command("webhooks", "rotate", "--json"))[1])
    hook = json.loads((await command("webhooks", "list", "--json"))[1])["webhooks"][0]
    deleted = await command("webhooks", "delete", hook["id"])

    assert code == 0
    assert "X-Mine: " in out
    assert "<secret>" not in out
    assert made["secret"] not in out
    assert hook["scheme"] == "token"
    assert (deleted[0], "removed" in deleted[1]) == (0, True)


async def test_the_ledger_is_listed_shown_and_replayed(quiet_api: ApiServer, command: Command) -> None:
    hook = await Hook.make(quiet_api)
    await hook.deliver(branch_push())
    (row,) = await hook.deliveries()

    listed = (await command("deliveries", "--verdict", "deployed"))[1]
    shown = (await command("deliveries", "show", row["id"]))[1]
    body = (await command("deliveries", "show", row["id"], "--body"))[1]
    replayed = (await command("deliveries", "replay", row["id"]))[1]
    forced = json.loads((await command("deliveries", "replay", row["id"], "--force", "--json"))[1])

    assert row["id"] in listed
    assert "is being built as deployment 1" in listed
    assert {"queued", "x-github-event", "accepted"} <= set(shown.replace(":", " ").split())
    assert json.loads(body)["after"] == branch_push()["after"]
    assert replayed.startswith("shop: ignored.")
    assert forced["decisions"][0]["status"] == "deployed"
