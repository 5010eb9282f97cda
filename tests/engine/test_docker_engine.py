"""The real engine keeps the contract, and runs containers with no more rights than they need."""

import asyncio
import os
from contextlib import closing
from dataclasses import replace

import pytest
from docker import APIClient

from slipyard.clients.docker_engine import DockerEngine
from slipyard.clients.docker_engine.neighbours import retransmission_of
from slipyard.domain.errors import HostUnknown, Unavailable, UserError
from tests.contract.container_engine import Bench, EngineContract
from tests.engine.docker_world import docker_world


@pytest.fixture
async def world():
    async with docker_world() as world:
        yield world


class TestDockerEngine(EngineContract):
    async def kill(self, bench, container_id):
        pid = (await bench.engine.container(container_id)).pid
        process = await asyncio.create_subprocess_exec("kill", "-KILL", str(pid))
        await process.wait()


async def finished(bench: Bench, *command: str, **changes) -> list[str]:
    """What a container with this command wrote."""
    await bench.engine.create_network(bench.network())
    spec = replace(bench.spec(), command=command, **changes)
    container_id = await bench.engine.create_container(spec)
    await bench.engine.start(container_id)
    await bench.engine.wait(container_id)
    lines = [line.message async for line in bench.engine.logs(container_id)]
    await bench.engine.remove(container_id)
    return lines


@pytest.fixture
def bench(world):
    return Bench(world)


async def test_an_engine_that_is_away_is_unavailable_and_says_what_to_do(tmp_path):
    engine = DockerEngine(f"unix://{tmp_path}/none.sock")
    with pytest.raises(Unavailable, match="SLIPYARD_DOCKER_HOST"):
        await engine.version()
    with pytest.raises(Unavailable):
        await anext(engine.events({}))


async def test_a_reference_that_is_none_is_the_users_fault(bench):
    await bench.engine.create_network(bench.network())
    with pytest.raises(UserError, match="invalid"):
        await bench.engine.create_container(replace(bench.spec(), image="Not A Reference"))


async def test_a_command_that_does_not_exist_ends_with_127(bench):
    await bench.engine.create_network(bench.network())
    container_id = await bench.engine.create_container(replace(bench.spec(), command=("/no/such/program",)))
    await bench.engine.start(container_id)
    assert await bench.engine.wait(container_id) == 127


async def test_memory_has_a_limit_and_its_end_is_told(bench):
    await bench.engine.create_network(bench.network())
    eater = ("sh", "-c", "dd if=/dev/zero of=/dev/null bs=200M count=1")
    container_id = await bench.engine.create_container(replace(bench.spec(), command=eater))
    await bench.engine.start(container_id)
    assert await bench.engine.wait(container_id) != 0
    assert (await bench.engine.container(container_id)).out_of_memory


@pytest.mark.skipif(
    not os.access("/proc/sys/net/ipv4/neigh/default/retrans_time_ms", os.W_OK), reason="this kernel is not ours to set"
)
async def test_who_was_away_is_asked_for_again_at_once_also_after_a_reboot(bench):
    await bench.engine.create_network(bench.network())
    with closing(APIClient()) as api:
        interval = retransmission_of(api.inspect_network(bench.network().name)["Id"])
    assert int(interval.read_text()) < 100  # the kernel counts in ticks

    interval.write_text("1000")
    await bench.engine.create_network(bench.network())

    assert int(interval.read_text()) < 100  # the kernel counts in ticks


async def test_rights_are_few(bench):
    status = await finished(bench, "grep", "-E", "^(CapEff|CapBnd|NoNewPrivs)", "/proc/self/status")
    facts = {name: value.strip() for name, _, value in (line.partition(":") for line in status)}
    # chown, dac_override, fowner, kill, setgid, setuid, net_bind_service: bits 0, 1, 3, 5, 6, 7 and 10.
    assert facts == {"CapBnd": "00000000000004eb", "CapEff": "00000000000004eb", "NoNewPrivs": "1"}


async def test_the_socket_of_the_engine_is_not_inside(bench):
    found = await finished(bench, "sh", "-c", "ls /var/run/docker.sock /run/docker.sock 2>/dev/null; true")
    assert found == []


async def test_long_lines_arrive_whole(bench):
    [line] = await finished(bench, "sh", "-c", "head -c 40000 /dev/zero | tr '\\0' x; echo")
    assert line == "x" * 40000


async def test_both_streams_are_told_apart(bench):
    await bench.engine.create_network(bench.network())
    spec = replace(bench.spec(), command=("sh", "-c", "echo out; echo err >&2"))
    container_id = await bench.engine.create_container(spec)
    await bench.engine.start(container_id)
    await bench.engine.wait(container_id)
    lines = {(line.stream, line.message) async for line in bench.engine.logs(container_id)}
    assert lines == {("stdout", "out"), ("stderr", "err")}


async def test_a_slow_reader_holds_the_writer_back_and_loses_nothing(bench):
    await bench.engine.create_network(bench.network())
    spec = replace(bench.spec(), command=("sh", "-c", "seq 1 20000"))
    container_id = await bench.engine.create_container(spec)
    await bench.engine.start(container_id)
    numbers = []
    async for line in bench.engine.logs(container_id, follow=True):
        numbers.append(int(line.message))
        if line.message.endswith("000"):
            await asyncio.sleep(0)
    assert numbers == list(range(1, 20001))


async def test_an_image_says_what_it_exposes(bench):
    facts = await bench.engine.image("busybox")
    assert facts.image_id.startswith("sha256:")
    await bench.engine.tag(facts.image_id, f"{bench.world.prefix}:1")
    assert (await bench.engine.image(f"{bench.world.prefix}:1")).image_id == facts.image_id
    await bench.engine.remove_image(f"{bench.world.prefix}:1")
    await bench.engine.remove_image(f"{bench.world.prefix}:1")
    assert await bench.engine.image(f"{bench.world.prefix}:1") is None


async def test_a_registry_that_does_not_exist_is_told_from_one_that_is_away(bench):
    with pytest.raises(HostUnknown, match="no such host"):
        await bench.engine.pull("registry.invalid/app:1")


async def test_a_registry_that_is_away_is_unavailable(bench):
    with pytest.raises(Unavailable):
        await bench.engine.pull("127.0.0.1:9/none:1")


class FailingDaemon:
    """Says its version, reports one event and dies in the middle of the next; to everything else it says nothing."""

    VERSION = b'{"ApiVersion": "1.41"}'
    EVENT = b'{"Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":{}}}\n'

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        if "/version" in request.partition("\r\n")[0]:
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(self.VERSION))
            writer.write(self.VERSION)
        elif "/events" in request:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(b"%x\r\n%b\r\n" % (len(self.EVENT), self.EVENT) + b"40\r\n{half an ev")
        else:
            await reader.read()
        await writer.drain()
        writer.close()


@pytest.fixture
async def failing(tmp_path):
    server = await asyncio.start_unix_server(FailingDaemon().serve, tmp_path / "d.sock")
    engine = DockerEngine(f"unix://{tmp_path}/d.sock", timeout_seconds=1)
    yield engine
    engine.close()
    server.close()


async def test_an_engine_that_dies_in_a_stream_is_unavailable_after_what_it_said(failing):
    events = failing.events({})
    assert (await anext(events)).action == "die"
    with pytest.raises(Unavailable, match="could not report events"):
        await anext(events)


async def test_an_engine_that_is_frozen_is_unavailable(failing):
    with pytest.raises(Unavailable, match="could not list containers"):
        await failing.containers({})
