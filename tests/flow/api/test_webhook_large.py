"""Large deliveries: examined by a process of their own, kept in few words, and never in the way of a small one."""

import asyncio
import json
import time

import pytest

from slipyard.store.tables import Delivery
from slipyard.webhooks import body as body_module
from tests.flow.api.api_server import DEADLINE_SECONDS, ApiServer
from tests.flow.api.github_deliveries import Hook, branch_push

HEAD = branch_push()["head_commit"]


def large_push(commits: int = 1000) -> dict:
    files = [f"src/{number}/{'x' * 100}" for number in range(10)]
    return branch_push(commits=[HEAD | {"added": files, "id": f"{number:040x}"} for number in range(commits)])


async def test_a_large_delivery_says_the_same_and_is_stored_in_few_words(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    sent = large_push()

    answer = await hook.deliver(sent)

    (delivery,) = await hook.deliveries()
    row = quiet_api.system.read(lambda session: session.get_one(Delivery, delivery["id"]))
    assert (answer.status_code, answer.json()[0]["status"]) == (202, "deployed")
    assert len(row.body) < 10_000 < row.body_bytes == len(json.dumps(sent))


MOST = 25 * 1024 * 1024


@pytest.mark.parametrize(
    "content",
    [b"{" * 200_000, b"[]" + b" " * 200_000, b'{"a":[' + b"{}," * (MOST // 3 - 10) + b"{}]}", b"[" * MOST],
    ids=["broken", "a-list", "millions-of-objects", "deep"],
)
async def test_a_large_body_that_cannot_be_read(quiet_api: ApiServer, content: bytes) -> None:
    hook = await Hook.make(quiet_api)

    answer = await hook.send(content)

    assert answer.status_code == 400, answer.text
    assert await hook.deliveries() == []


async def test_a_large_body_that_proves_nothing(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)

    answer = await Hook(quiet_api, hook.path, "another secret").deliver(large_push())

    assert answer.status_code == 401
    assert await hook.deliveries() == []


async def test_small_answers_come_while_large_bodies_are_examined(quiet_api: ApiServer) -> None:
    hook = await Hook.make(quiet_api)
    large = asyncio.gather(*(hook.deliver(large_push(4000)) for _ in range(3)))
    waits: list[float] = []
    while not large.done():
        began = time.perf_counter()
        assert (await quiet_api.client.get("/healthz")).status_code == 200
        waits.append(time.perf_counter() - began)

    assert {answer.status_code for answer in await large} == {200, 202}
    assert len(await hook.deployments()) == 1
    assert sorted(waits)[len(waits) // 2] < 0.5  # seconds; were it done on the loop, none would come in between


async def test_a_body_that_never_ends_loses_its_place(quiet_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "_SECONDS", 0.05)
    hook = await Hook.make(quiet_api)
    reader, writer = await half_sent(hook)

    answer = await asyncio.wait_for(reader.read(), DEADLINE_SECONDS)  # until the connection is closed

    assert b" 408 " in answer.splitlines()[0]
    assert b'"timeout"' in answer
    writer.close()


async def test_a_sender_that_hangs_up_is_no_fault_of_ours(
    quiet_api: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = await Hook.make(quiet_api)
    _, writer = await half_sent(hook)
    writer.close()
    await writer.wait_closed()

    assert (await hook.deliver(branch_push())).status_code == 202
    assert "request_broke" not in capsys.readouterr().out


async def half_sent(hook: Hook) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = hook.api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST {hook.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{".encode())
    await writer.drain()
    return reader, writer
