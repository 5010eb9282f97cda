"""Commands that people run, and files that they copy, on the real engine."""

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from slipyard.clients.container_commands import CommandStream, Terminal
from slipyard.clients.container_engine import FileMount
from slipyard.domain.errors import Conflict, NotFound
from tests.contract.container_engine import Bench
from tests.engine.docker_world import docker_world

DEADLINE = 60


@pytest.fixture
async def bench():
    async with docker_world() as world:
        yield Bench(world)


async def attached(bench: Bench, *command: str, terminal: bool = False) -> tuple[str, CommandStream]:
    await bench.engine.create_network(bench.network())
    spec = replace(bench.spec(), command=command, open_input=True, terminal=terminal)
    container_id = await bench.engine.create_container(spec)
    stream = await bench.engine.attach(container_id, terminal=terminal)
    await bench.engine.start(container_id)
    return container_id, stream


async def all_of(stream: CommandStream) -> dict[str, bytes]:
    said: dict[str, bytes] = {"stdout": b"", "stderr": b""}
    async with asyncio.timeout(DEADLINE):
        async for piece in stream.output():
            said[piece.stream] += piece.data
    return said


async def until(stream: CommandStream, text: bytes) -> bytes:
    said = b""
    async with asyncio.timeout(DEADLINE):
        async for piece in stream.output():
            said += piece.data
            if text in said:
                return said
    raise AssertionError(said)


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), 1000):
        yield data[begin : begin + 1000]


def tar_of(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


async def test_a_command_is_fed_and_read_and_its_code_comes_through(bench: Bench) -> None:
    container_id, stream = await attached(bench, "sh", "-c", "cat; echo problem >&2; exit 7")

    async def feed() -> None:
        for _ in range(100):
            await stream.write(b"x" * 10_000)
        await stream.end_input()

    said, _ = await asyncio.gather(all_of(stream), feed())

    assert said == {"stdout": b"x" * 1_000_000, "stderr": b"problem\n"}
    assert await bench.engine.wait(container_id) == 7
    await stream.close()


async def test_a_terminal_has_its_size_and_ctrl_c_ends_what_runs_in_it(bench: Bench) -> None:
    script = "trap 'echo stopped; exit 3' INT; while ! stty size | grep -q '33 111'; do :; done; echo sized; cat"
    container_id, stream = await attached(bench, "sh", "-c", script, terminal=True)
    await bench.engine.resize(container_id, Terminal(33, 111))

    await until(stream, b"sized")
    await stream.write(b"\x03")

    assert b"stopped" in (await all_of(stream))["stdout"]
    assert await bench.engine.wait(container_id) == 3
    await stream.close()


async def test_a_command_beside_what_runs_is_fed_resized_and_ended(bench: Bench) -> None:
    container_id = await bench.started()
    execution, stream = await bench.engine.execute_attached(container_id, ("sh", "-c", "cat; exit 4"), terminal=None)
    await stream.write(b"hello")
    await stream.end_input()
    assert (await all_of(stream))["stdout"] == b"hello"
    assert await code(bench, execution) == 4

    execution, stream = await bench.engine.execute_attached(
        container_id, ("sh", "-c", "stty size; exec sleep 1000"), terminal=Terminal(44, 122)
    )
    assert await bench.engine.execution_code(execution) is None
    if await bench.engine.signal(container_id, "KILL", execution):  # where the engine's processes are seen from here
        assert await code(bench, execution) == 137
    await stream.close()


async def code(bench: Bench, execution: str) -> int | None:
    async with asyncio.timeout(DEADLINE):
        while True:
            found = await bench.engine.execution_code(execution)
            if found is not None:
                return found
            await asyncio.sleep(0.05)


async def test_where_nothing_runs_no_command_does(bench: Bench) -> None:
    container_id = await bench.created()
    with pytest.raises(Conflict, match="not running"):
        await bench.engine.execute_attached(container_id, ("true",), terminal=None)
    with pytest.raises(NotFound):
        await bench.engine.attach("slipyard-test-none", terminal=False)


async def test_files_are_copied_in_and_out(bench: Bench) -> None:
    container_id = await bench.started()
    content = bytes(range(256)) * 2000

    await bench.engine.copy_in(container_id, "/tmp", in_pieces(tar_of("data.bin", content)))
    out = b"".join([piece async for piece in bench.engine.copy_out(container_id, "/tmp/data.bin")])

    with tarfile.open(fileobj=io.BytesIO(out)) as archive:
        assert archive.extractfile("data.bin").read() == content  # type: ignore[union-attr]
    with pytest.raises(NotFound):
        await anext(bench.engine.copy_out(container_id, "/no/such/file"))
    with pytest.raises(NotFound):
        await bench.engine.copy_in(container_id, "/no/such/directory", in_pieces(tar_of("x", b"y")))


async def test_what_breaks_off_is_raised_and_harms_nothing(bench: Bench) -> None:
    container_id = await bench.started()

    async def broken() -> AsyncIterator[bytes]:
        yield tar_of("half", b"x" * 100_000)[:50_000]
        raise ValueError("the caller went away")

    with pytest.raises(ValueError, match="went away"):
        await bench.engine.copy_in(container_id, "/tmp", broken())
    assert (await bench.engine.execute(container_id, ("true",))).exit_code == 0


async def test_a_file_of_the_machine_is_mounted_and_cannot_be_written(bench: Bench, tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    secret.chmod(0o440)
    await bench.engine.create_network(bench.network())
    script = "cat /run/secrets/key; stat -c %a /run/secrets/key; echo x > /run/secrets/key || echo refused"
    mounts = (FileMount(str(secret), "/run/secrets/key"),)
    spec = replace(bench.spec(), command=("sh", "-c", script), open_input=True, mounts=mounts)
    container_id = await bench.engine.create_container(spec)
    stream = await bench.engine.attach(container_id, terminal=False)
    await bench.engine.start(container_id)
    await stream.end_input()

    said = await all_of(stream)

    assert said["stdout"] == b"s3cret440\nrefused\n"
    assert b"Read-only file system" in said["stderr"]
    assert secret.read_text() == "s3cret"
