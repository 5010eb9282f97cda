"""Commands through the API: output as it comes, input, size, exit code; audited; and nothing of them is left."""

import asyncio
import io
import json
import tarfile
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlmodel import select

from slipyard.clients.container_commands import Terminal
from slipyard.clients.container_commands_fake import SimulatedStream
from slipyard.deployer.docker import names
from slipyard.domain.errors import Unavailable
from slipyard.pipeline.delete_app import delete_app
from slipyard.store.claims import Holder
from slipyard.store.tables import App, OneOff
from tests.flow.api.api_server import ApiServer, until
from tests.flow.deaths import GONE
from tests.flow.rollouts import Shop, new_shop


@pytest.fixture
async def shop(quiet_api: ApiServer) -> Shop:
    return await new_shop(quiet_api.system, 1)


def rows(shop: Shop) -> list[OneOff]:
    return shop.system.read(lambda session: list(session.exec(select(OneOff).order_by(OneOff.id))))


async def containers(shop: Shop) -> int:
    """Of commands."""
    labels = {names.INSTALLATION: shop.system.context.installation_id}
    return sum(names.COMMAND in state.labels for state in await shop.system.engine.containers(labels))


async def lines(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in answer.aiter_lines():
        yield json.loads(line)


async def run(api: ApiServer, **body: Any) -> list[dict[str, Any]]:
    answer = await api.client.post("/v1/apps/shop/exec", json=body)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def messages(api: ApiServer) -> list[str]:
    events = (await api.client.get("/v1/apps/shop/events?limit=100")).json()["events"]
    return [event["message"] for event in events if event["kind"].startswith(("command.", "files."))]


async def test_before_anything_is_live_there_is_no_release_to_run_in(quiet_api: ApiServer) -> None:
    await quiet_api.client.post("/v1/apps", json={"name": "new"})
    refused = await quiet_api.client.post("/v1/apps/new/exec", json={"command": ["ls"]})
    inside = await quiet_api.client.post("/v1/apps/new/exec", json={"command": ["ls"], "inside": True})
    assert (refused.status_code, inside.status_code) == (409, 409)
    assert "Nothing of new is live" in refused.json()["error"]["message"]
    assert "No instance of new serves now" in inside.json()["error"]["message"]


async def test_a_token_that_may_only_read_runs_nothing(quiet_api: ApiServer, shop: Shop) -> None:
    async with quiet_api.client_of(quiet_api.token("apps:read", "apps:write")) as reader:
        for call in (
            reader.post("/v1/apps/shop/exec", json={"command": ["ls"]}),
            reader.get("/v1/apps/shop/files?path=/etc/passwd"),
        ):
            assert (await call).status_code == 403
    assert rows(shop) == []


async def test_what_cannot_be_started_leaves_nothing(quiet_api: ApiServer, shop: Shop) -> None:
    quiet_api.system.engine.fail_next("start", Unavailable("The engine went away."))
    answer = await quiet_api.client.post("/v1/apps/shop/exec", json={"command": ["ls"]})
    assert answer.status_code == 503
    assert ([row.ended_at is None for row in rows(shop)], await containers(shop)) == ([False], 0)


async def test_output_and_exit_code_come_through_and_both_ends_are_audited(quiet_api: ApiServer, shop: Shop) -> None:
    async def script(stream: SimulatedStream) -> int:
        await stream.say(b"caf\xc3\xa9\n")
        await stream.say(b"\xff\x00", "stderr")
        return 7

    quiet_api.system.engine.script = script
    started, text, binary, ended = await run(quiet_api, command=["rake", "db:migrate"])

    assert (started["event"], started["place"]) == ("started", "a container of its own")
    assert text == {"event": "output", "stream": "stdout", "text": "café\n"}
    assert binary == {"event": "output", "stream": "stderr", "base64": "/wA="}
    assert ended == {"event": "ended", "exit_code": 7}
    assert quiet_api.system.engine.streams[-1].command == ("rake", "db:migrate")

    async def over() -> bool:
        return await containers(shop) == 0 and len(await messages(quiet_api)) == 2

    await until(over)
    assert [row.exit_code for row in rows(shop)] == [7]
    assert (await messages(quiet_api))[-2:] == [
        "administrator runs in a container of its own: rake db:migrate",
        "The command of administrator in a container of its own exited with code 7.",
    ]


async def test_input_counts_once_however_often_it_is_sent(quiet_api: ApiServer, shop: Shop) -> None:
    async def script(stream: SimulatedStream) -> int:
        while data := await stream.read():
            await stream.say(data.upper())
        return 0

    quiet_api.system.engine.script = script
    body = {"command": ["cat"], "input": True, "terminal": {"rows": 20, "columns": 70}}
    async with quiet_api.client.stream("POST", "/v1/apps/shop/exec", json=body) as answer:
        seen = lines(answer)
        session = f"/v1/apps/shop/exec/{(await anext(seen))['session']}"
        first = await quiet_api.client.post(f"{session}/input?offset=0", content=b"abc")
        again = await quiet_api.client.post(f"{session}/input?offset=0", content=b"abcd")
        gap = await quiet_api.client.post(f"{session}/input?offset=9", content=b"z")
        size = await quiet_api.client.post(f"{session}/resize", json={"rows": 30, "columns": 90})
        async with quiet_api.client_of(quiet_api.token("admin", name="other")) as other:
            foreign = await other.post(f"{session}/input", content=b"rm -rf /\n")
        await quiet_api.client.post(f"{session}/input?end=true")
        rest = [line async for line in seen]

    assert [answer.json()["offset"] for answer in (first, again)] == [3, 4]
    assert (gap.status_code, size.status_code, foreign.status_code) == (409, 200, 404)
    assert "".join(line.get("text", "") for line in rest) == "ABCD"
    assert rest[-1] == {"event": "ended", "exit_code": 0}
    assert quiet_api.system.engine.streams[-1].sizes == [Terminal(20, 70), Terminal(30, 90)]


async def test_whoever_goes_away_takes_the_command_along(quiet_api: ApiServer, shop: Shop) -> None:
    async def script(stream: SimulatedStream) -> int:
        await stream.say(b"working\n")
        await asyncio.Event().wait()
        return 0

    quiet_api.system.engine.script = script
    async with quiet_api.client.stream("POST", "/v1/apps/shop/exec", json={"command": ["sleep"]}) as answer:
        seen = lines(answer)
        assert [(await anext(seen))["event"], (await anext(seen))["event"]] == ["started", "output"]

    async def said() -> bool:
        return "was ended" in (await messages(quiet_api))[-1]

    async def gone() -> bool:
        return await containers(shop) == 0 and all(row.ended_at for row in rows(shop))

    await until(gone)
    await until(said)
    assert (await messages(quiet_api))[-1] == "The command of administrator in a container of its own was ended."


async def test_a_command_ends_when_its_time_is_up(quiet_api: ApiServer, shop: Shop) -> None:
    async def script(stream: SimulatedStream) -> int:
        async def signalled() -> bool:
            return bool(stream.signals)

        await until(signalled)
        return 143

    quiet_api.system.engine.script = script
    assert (await run(quiet_api, command=["sleep"], seconds=0.05))[-1] == {"event": "ended", "exit_code": 143}


async def test_a_command_beside_an_instance(quiet_api: ApiServer, shop: Shop) -> None:
    async def script(stream: SimulatedStream) -> int:
        await stream.say(b"inside\n")
        return 3

    quiet_api.system.engine.script = script
    (instance,) = [row.id for row in quiet_api.system.instances(shop.app_id)]
    started, output, ended = await run(quiet_api, command="ps | wc -l", instance=instance[-8:])

    assert (started["place"], output["text"], ended["exit_code"]) == (f"instance {instance[-8:]}", "inside\n", 3)
    assert quiet_api.system.engine.streams[-1].command == ("/bin/sh", "-c", "ps | wc -l")
    assert rows(shop) == []


async def test_no_more_than_ten_at_once(quiet_api: ApiServer, shop: Shop) -> None:
    with quiet_api.context.database.write() as session:
        for number in range(10):
            session.add(open_row(shop, f"run_{number}", str(quiet_api.context.holder)))
    refused = await quiet_api.client.post("/v1/apps/shop/exec", json={"command": ["ls"]})
    assert refused.status_code == 409
    assert "10 commands of shop run already" in refused.json()["error"]["message"]


def open_row(shop: Shop, run_id: str, holder: str) -> OneOff:
    return OneOff(
        id=run_id,
        app_id=shop.app_id,
        release_id=str(shop.last.release_id),
        deployment_id=shop.last.id,
        address="10.201.0.60",
        command=["sleep"],
        actor="ada",
        holder=holder,
        created_at=shop.system.clock.now(),
    )


async def test_what_a_killed_process_left_is_removed_and_what_a_living_one_runs_is_not(shop: Shop) -> None:
    system = shop.system
    context = system.context
    dead = str(Holder(context.holder.host, GONE, "0"))
    with context.database.write() as session:
        session.add_all([open_row(shop, "run_dead", dead), open_row(shop, "run_alive", str(context.holder))])

    await system.control("commands")

    assert {row.id: row.ended_at is None for row in rows(shop)} == {"run_dead": False, "run_alive": True}


async def test_an_app_that_is_deleted_takes_its_commands_along(shop: Shop) -> None:
    system = shop.system
    with system.context.database.write() as session:
        session.add(open_row(shop, "run_alive", str(system.context.holder)))
    await delete_app(system.context, shop.app_id, system.actor)
    for _ in range(3):
        await system.control("drain", "clean_up", "commands")
    assert system.read(lambda session: session.get_one(App, shop.app_id)).deleted_at is not None
    assert [row.ended_at is None for row in rows(shop)] == [False]


async def test_files_go_in_and_out_and_what_is_too_large_is_refused(quiet_api: ApiServer, shop: Shop) -> None:
    engine = quiet_api.system.engine
    engine.files["/etc/motd"] = b"hello"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("new.txt")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"new"))

    out = await quiet_api.client.get("/v1/apps/shop/files?path=/etc/motd")
    into = await quiet_api.client.put("/v1/apps/shop/files?path=/srv", content=buffer.getvalue())
    missing = await quiet_api.client.get("/v1/apps/shop/files?path=/none")
    relative = await quiet_api.client.get("/v1/apps/shop/files?path=etc")
    quiet_api.system.set(max_upload_bytes=100)
    large = await quiet_api.client.put("/v1/apps/shop/files?path=/srv", content=buffer.getvalue())

    with tarfile.open(fileobj=io.BytesIO(out.content)) as archive:
        assert archive.extractfile("motd").read() == b"hello"  # type: ignore[union-attr]
    assert (into.status_code, engine.files["/srv/new.txt"]) == (200, b"new")
    assert [answer.status_code for answer in (missing, relative, large)] == [404, 422, 413]
    assert len(await messages(quiet_api)) == 2
