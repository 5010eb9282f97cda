"""The shortest way from a commit to an answer, without any of Slipyard's promises: fetch, build, run, first 200."""

import asyncio
import tempfile
from pathlib import Path
from uuid import uuid4

from docker import APIClient

from slipyard.builder.buildkit.build import BuildKit
from slipyard.builder.image_build import Dockerfile, ImageBuild

_LABEL = {"slipyard.benchmark": "straight-line"}
LOOK_SECONDS = 0.005
"""Who asks every millisecond keeps one of two cores busy while what is measured happens."""
SETTLE_SECONDS = 4.0
"""So that nothing is measured beside the cleaning up after what was measured before: instances drain, stop, are paused."""


class StraightLine:
    """`deploy` leaves one container running: the one of the last call."""

    def __init__(self, work: Path, builder: BuildKit, engine: APIClient) -> None:
        self._work, self._builder, self._engine = work, builder, engine
        self._mirror = Path(tempfile.mkdtemp(prefix="straight-")) / "mirror.git"
        self._running = ""

    async def prepare(self) -> None:
        await run("git", "clone", "--quiet", "--bare", str(self._work), str(self._mirror))

    async def deploy(self, commit: str) -> None:
        await run("git", "-C", str(self._mirror), "fetch", "--quiet", str(self._work), "+main:main")
        tar = self._mirror.with_name(f"{commit}.tar")
        await run("git", "-C", str(self._mirror), "archive", "--output", str(tar), commit)
        build = ImageBuild(uuid4().hex, tar, Dockerfile(), f"straight-line:{commit[:12]}", "straight-line")
        built = await self._builder.build(build, lambda _: None)
        address = await asyncio.to_thread(self._start, built.image_id, commit)
        await first_answer(address, 3000, commit)
        tar.unlink()

    def clean_up(self) -> None:
        for container in self._engine.containers(all=True, filters={"label": list(_LABEL)}):
            self._engine.remove_container(container["Id"], force=True)

    def _start(self, image: str, commit: str) -> str:
        host = self._engine.create_host_config(init=True, mem_limit=512 * 1024 * 1024)
        made = self._engine.create_container(
            image, environment={"PORT": "3000", "SOURCE_VERSION": commit}, labels=_LABEL, host_config=host
        )
        self._engine.start(made["Id"])
        facts = self._engine.inspect_container(made["Id"])
        return str(facts["NetworkSettings"]["IPAddress"])


async def first_answer(host: str, port: int, text: str, name: str = "") -> None:
    """Asks over and over until the answer holds `text`."""
    while True:
        if text in await answer_of(host, port, name):
            return
        await asyncio.sleep(LOOK_SECONDS)


async def answer_of(host: str, port: int, name: str = "") -> str:
    """With its head; empty where nobody answers."""
    request = f"GET / HTTP/1.1\r\nHost: {name or host}\r\nConnection: close\r\n\r\n".encode()
    try:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
    except OSError:
        return ""
    return answer.decode(errors="replace")


async def run(*arguments: str, **environment: str) -> None:
    process = await asyncio.create_subprocess_exec(*arguments, env=environment or None)
    if await process.wait() != 0:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
