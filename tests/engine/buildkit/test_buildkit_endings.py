"""However a build ends early, nothing of it goes on, and the caller hears it."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from slipyard.builder.buildkit.connect import engine_builder, standalone
from slipyard.domain.errors import Unavailable
from tests.engine.buildkit.builds import Builds
from tests.engine.buildkit.daemons import buildkitd, directory

DEADLINE = 30.0


def processes_with(word: str) -> list[int]:
    """Of this machine, with `word` in their command lines; the RUN steps of every builder here are among them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if word in line:
                found.append(int(path.parent.name))
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - the condition lies outside this process
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def sleeping_build(builds: Builds) -> AsyncIterator[tuple["asyncio.Task[object]", str]]:
    """A build that is inside its RUN step, and a word that only this step's processes have in their command lines."""
    word = f"6{int.from_bytes(os.urandom(4)):010d}"
    build = asyncio.create_task(builds.run(f"RUN echo ready && sleep {word}\n"))
    try:
        await until(lambda: "ready" in builds.output or build.done())
        assert processes_with(f"sleep {word}")
        yield build, word
    finally:
        build.cancel()
        await asyncio.gather(build, return_exceptions=True)


async def test_cancelling_kills_the_step_on_the_daemon(builds: Builds):
    async with sleeping_build(builds) as (build, word):
        build.cancel()
        with pytest.raises(asyncio.CancelledError):
            await build
        await until(lambda: not processes_with(f"sleep {word}"))


async def test_a_progress_listener_that_fails_ends_the_build(builds: Builds):
    word = f"7{int.from_bytes(os.urandom(4)):010d}"

    def full_disk(_progress: object) -> None:
        if processes_with(f"sleep {word}"):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        await builds.builder.build(builds.request(f"RUN echo ready; sleep 0.2; echo more; sleep {word}\n"), full_disk)
    await until(lambda: not processes_with(f"sleep {word}"))


async def test_a_daemon_that_dies_during_a_build_is_reported_as_away(tmp_path: Path):
    with buildkitd([]) as (address, process):
        builds = Builds(standalone(address), tmp_path, "127.0.0.1:1/never:1")
        async with sleeping_build(builds) as (build, word):
            os.kill(process, signal.SIGKILL)
            with pytest.raises(Unavailable, match=f"connection to BuildKit at {address} ended"):
                await build
            for process_id in processes_with(f"sleep {word}"):  # orphans of the daemon that was killed
                os.kill(process_id, signal.SIGKILL)


async def test_a_daemon_that_is_not_there_is_reported_as_away(tmp_path: Path):
    builds = Builds(standalone(f"unix://{tmp_path}/nobody.sock"), tmp_path, "127.0.0.1:1/never:1")
    with pytest.raises(Unavailable, match="BuildKit does not answer at unix://"):
        await builds.run("RUN true\n")
    with pytest.raises(Unavailable, match="Docker Engine does not answer at unix://"):
        await engine_builder(f"unix://{tmp_path}/nobody.sock")


async def test_a_daemon_that_accepts_and_then_closes_is_reported_as_away(tmp_path: Path):
    with directory("slipyard-mute-") as home:
        server = await asyncio.start_unix_server(lambda _reader, writer: writer.close(), home / "s")
        async with server:
            builds = Builds(standalone(f"unix://{home}/s"), tmp_path, "127.0.0.1:1/never:1")
            with pytest.raises(Unavailable, match="ended during the build"):
                await builds.run("RUN true\n")


async def test_a_build_leaves_no_socket_open(builds: Builds):
    await builds.run("RUN true\n")
    before = open_sockets()
    for _ in range(3):
        await builds.run("RUN true\n")
    await until(lambda: open_sockets() <= before)


def open_sockets() -> int:
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(descriptor.readlink()).startswith("socket:")
    return count
