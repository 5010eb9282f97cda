"""Output arrives where it is forwarded to, whoever is away for how long, and what does not arrive is counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from typing import Any

import pytest

from slipyard.clients.simulated_container import Behaviour
from slipyard.domain.app import AppConfig
from slipyard.domain.health import HealthCheck
from slipyard.pipeline.create_app import NewApp, create_app
from slipyard.pipeline.deploy_app import DeployRequest, deploy_app
from slipyard.pipeline.observing.forward_output import forward_output
from slipyard.pipeline.observing.log_drains import NewDrain, change_drain, make_drain, remove_drain, try_drain
from slipyard.store.drain_progress import DrainProgress, read_progress
from slipyard.store.tables import LogDrain
from tests.flow.code_hosts.scripted_server import ScriptedServer
from tests.flow.system import System

LOKI = "/loki/api/v1/push"
DEADLINE = 60.0


@pytest.fixture
def database_url() -> None:
    """The rows are few: one database is enough."""
    return


@pytest.fixture
async def system(system: System) -> System:
    system.set(allowed_networks=[ip_network("127.0.0.0/8")])
    return system


async def live(system: System, slug: str = "shop", *said: str) -> str:
    image = f"registry.test/{slug}:1"
    system.engine.publish(image, Behaviour(output=said))
    config = AppConfig(health_check=HealthCheck(start_period=5))
    app_id = (await create_app(system.context, NewApp(slug, config=config), system.actor)).app.id
    await deploy_app(system.context, app_id, DeployRequest(image=image), system.actor)
    await system.settle()
    return app_id


def say(system: System, app_id: str, *messages: str) -> None:
    container = system.engine._containers[str(system.instances(app_id)[0].container_id)]
    container.say(messages)


@asynccontextmanager
async def forwarding(system: System) -> AsyncIterator[None]:
    """As a leader does it, until the end of the block."""
    task = asyncio.ensure_future(forward_output(system.context))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], Any]) -> None:
    """Looks until it holds; fails at a deadline."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


async def drain(system: System, kind: str, url: str, **more: str) -> LogDrain:
    return await make_drain(system.context, NewDrain("central", kind, url, **more), system.actor)


def progress(system: System, row: LogDrain) -> DrainProgress:
    return read_progress(system.context.layout.drains, row.id)


def messages(server: ScriptedServer, path: str = "/logs") -> list[str]:
    return [line["message"] for body in server.bodies("POST", path) for line in body]


async def test_lines_that_are_refused_are_counted_and_the_next_ones_are_sent(system: System) -> None:
    app_id = await live(system)
    with ScriptedServer().serving() as server:
        server.on("POST", "/logs", 422)
        server.on("POST", "/logs", 204)
        row = await drain(system, "http", f"{server.url}/logs")
        async with forwarding(system):
            say(system, app_id, "bad")
            await until(lambda: progress(system, row).refused == 1)
            say(system, app_id, "good")
            await until(lambda: progress(system, row).sent == 1)
    assert messages(server) == ["bad", "good"]


async def test_a_target_that_is_away_gets_all_lines_once_it_is_back(system: System) -> None:
    app_id = await live(system)
    with ScriptedServer().serving() as server:
        for status in (503, 401, 500, 204):
            server.on("POST", "/logs", status)
        row = await drain(system, "http", f"{server.url}/logs", authorization="Bearer secret-of-logs")
        async with forwarding(system):
            say(system, app_id, "one", "two")
            await until(lambda: progress(system, row).sent >= 2)
    assert server.asked[-1].headers["authorization"] == "Bearer secret-of-logs"
    assert messages(server)[-2:] == ["one", "two"]
    assert progress(system, row).last_error is None
    assert progress(system, row).dropped == 0


async def test_another_leader_goes_on_behind_what_was_sent(system: System) -> None:
    app_id = await live(system, "shop", "before the drain")
    with ScriptedServer().serving() as server:
        server.on("POST", "/logs", 204)
        row = await drain(system, "http", f"{server.url}/logs")
        async with forwarding(system):
            say(system, app_id, "first")
            await until(lambda: progress(system, row).sent == 1)
        say(system, app_id, "between")
        async with forwarding(system):
            await until(lambda: "between" in messages(server))
            say(system, app_id, "last")
            await until(lambda: "last" in messages(server))
    assert list(dict.fromkeys(messages(server))) == ["first", "between", "last"]


async def test_a_drain_of_one_app_gets_nothing_of_another_and_one_of_all_gets_both(system: System) -> None:
    shop, other = await live(system, "shop"), await live(system, "other")
    with ScriptedServer().serving() as server:
        server.on("POST", "/shop", 204)
        server.on("POST", "/all", 204)
        await drain(system, "http", f"{server.url}/shop", app="shop")
        await drain(system, "http", f"{server.url}/all")
        async with forwarding(system):
            say(system, other, "of other")
            say(system, shop, "of shop")
            await until(lambda: {*messages(server, "/all")} == {"of shop", "of other"} and messages(server, "/shop"))
    assert messages(server, "/shop") == ["of shop"]


async def test_a_drain_that_is_changed_goes_on_at_its_new_address_and_one_that_is_removed_ends(system: System) -> None:
    app_id = await live(system)
    with ScriptedServer().serving() as server:
        server.on("POST", "/old", 503)
        server.on("POST", "/new", 204)
        row = await drain(system, "http", f"{server.url}/old")
        task = asyncio.ensure_future(forward_output(system.context))
        say(system, app_id, "one")
        await until(lambda: messages(server, "/old"))
        await change_drain(system.context, row.id, {"url": f"{server.url}/new"}, system.actor)
        await until(lambda: messages(server, "/new") == ["one"])
        await remove_drain(system.context, "central", system.actor)
        async with asyncio.timeout(DEADLINE):
            await task
    assert progress(system, row).sent == 0  # nothing is left of it


async def test_an_instance_that_was_started_again_is_read_on(system: System) -> None:
    app_id = await live(system)
    with ScriptedServer().serving() as server:
        server.on("POST", "/logs", 204)
        await drain(system, "http", f"{server.url}/logs")
        async with forwarding(system):
            say(system, app_id, "before")
            await until(lambda: "before" in messages(server))
            container_id = str(system.instances(app_id)[0].container_id)
            await system.engine.stop(container_id, 0)
            await system.engine.start(container_id)
            say(system, app_id, "after")
            await until(lambda: "after" in messages(server))
    assert messages(server) == ["before", "after"]


async def test_loki_gets_its_labels_and_its_tenant(system: System) -> None:
    app_id = await live(system)
    with ScriptedServer().serving() as server:
        server.on("POST", LOKI, 204)
        row = await drain(system, "loki", server.url, tenant="team-a")
        async with forwarding(system):
            say(system, app_id, "hello")
            await until(lambda: progress(system, row).sent == 1)
    assert server.asked[0].headers["x-scope-orgid"] == "team-a"
    (stream,) = server.bodies("POST", LOKI)[0]["streams"]
    assert (stream["stream"]["app"], stream["stream"]["service"]) == ("shop", "web")
    assert [text for _, text in stream["values"]] == ["hello"]


@asynccontextmanager
async def syslog_server(received: bytearray) -> AsyncIterator[int]:
    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            received.extend(data)
        writer.close()

    server = await asyncio.start_server(read, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_syslog_gets_counted_messages_over_one_connection(system: System) -> None:
    app_id, received = await live(system), bytearray()
    async with syslog_server(received) as port:
        await drain(system, "syslog", f"syslog+tcp://127.0.0.1:{port}")
        async with forwarding(system):
            say(system, app_id, "one", "two ü")
            await until(lambda: "two ü".encode() in received)
    frames = _frames(bytes(received))
    assert [frame.rpartition(" - ")[2] for frame in frames] == ["one", "two ü"]
    assert all(frame.startswith("<14>1 ") and " shop web." in frame for frame in frames)


async def test_syslog_that_is_away_says_so_and_udp_arrives(system: System) -> None:
    app_id = await live(system)
    row = await drain(system, "syslog", "syslog+tcp://127.0.0.1:1")
    async with forwarding(system):
        say(system, app_id, "one")
        await until(lambda: "does not take lines" in (progress(system, row).last_error or ""))
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    class Datagrams(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, _: Any) -> None:
            arrived.put_nowait(data)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    udp = await make_drain(system.context, NewDrain("udp", "syslog", f"syslog+udp://127.0.0.1:{port}"), system.actor)
    assert await try_drain(system.context, udp.id, system.actor) is None
    async with asyncio.timeout(DEADLINE):
        assert b"tries the log drain udp" in await arrived.get()
    transport.close()


async def test_a_trial_says_what_is_wrong_and_no_secret(system: System) -> None:
    with ScriptedServer().serving() as server:
        server.on("POST", "/hidden-token", 403)
        await drain(system, "http", f"{server.url}/hidden-token", authorization="Bearer hidden-word")
        said = await try_drain(system.context, "central", system.actor)
    assert said is not None
    assert "403" in said
    assert "hidden" not in said


def _frames(data: bytes) -> list[str]:
    """RFC 6587: a count, a blank, so many bytes."""
    frames = []
    while data:
        count, _, data = data.partition(b" ")
        frames.append(data[: int(count)].decode())
        data = data[int(count) :]
    return frames
