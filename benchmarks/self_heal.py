"""The death and the removal of a container until its app serves again, against the engine's word and its start: in one run.

    python -m benchmarks.self_heal --rounds 11

Each round has an app of its own, as the healer waits longer with each failure in a row. Needs what `scripts/up` installs. Starts an installation of its own and purges it. Writes `docs/benchmarks/self_heal.md` and `.svg`.
"""

import argparse
import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from docker import APIClient

from benchmarks.figures import Compared, Figures
from benchmarks.own_installation import own_installation
from benchmarks.pages import SERVES, first_other, page_of
from tests.engine.installation import CHECKOUT, Installation
from tests.engine.whole_app import WholeApp, new_app
from tests.flow.repository import Repository

_ENGINE = os.environ.get("SLIPYARD_DOCKER_HOST", "unix:///var/run/docker.sock")
_LABEL = "slipyard.benchmark=self-heal"
_QUIET_SECONDS = 3.0
_MILLISECONDS = 1000


@dataclass(frozen=True)
class Round:
    """Milliseconds until a page of the next start."""

    killed: float
    removed: float
    by_hand: float  # a process that is killed, the engine's word, a start, the first answer
    made_anew: float  # a container that is removed, create, start, the first answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    with own_installation() as (installation, work):
        measured = asyncio.run(measure(installation, work, rounds))
    figures(measured).write(CHECKOUT / "docs" / "benchmarks")


async def measure(installation: Installation, work: Path, rounds: int) -> list[Round]:
    repository, measured = Repository(work), list[Round]()
    with closing(APIClient(_ENGINE)) as engine:
        for _ in range(rounds):
            app = new_app(installation, repository, "healed")
            await asyncio.to_thread(app.push, "page", SERVES)
            straight = Straight(engine, (await asyncio.to_thread(app.builds))[0]["image_id"])
            await straight.start()
            try:
                measured.append(await one_round(app, engine, straight))
                print(measured[-1])
            finally:
                straight.remove()
                await asyncio.to_thread(app.delete)
    return measured


async def one_round(app: WholeApp, engine: APIClient, straight: "Straight") -> Round:
    killed = await healed(app, lambda container: kill(engine, container))
    by_hand = await straight.killed()
    removed = await healed(app, lambda container: engine.remove_container(container, force=True))
    made_anew = await straight.removed()
    return Round(killed, removed, by_hand, made_anew)


async def healed(app: WholeApp, harm: Callable[[str], None]) -> float:
    """Of an app that has settled."""
    await asyncio.sleep(_QUIET_SECONDS)
    container = await asyncio.to_thread(container_of, app)
    host, port = f"{app.slug}.localhost", app.slipyard.http_port
    before = await page_of("127.0.0.1", port, host)
    return await timed(lambda: asyncio.to_thread(harm, container), lambda: first_other("127.0.0.1", port, host, before))


def container_of(app: WholeApp) -> str:
    """The straight one was made of the same image, and has inherited the app's label."""
    return next(str(each["Id"]) for each in app.all_containers() if "slipyard.instance" in each["Labels"])


async def timed(harm: Callable[[], Awaitable[object]], again: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await harm()
    await again()
    return (time.perf_counter() - begun) * _MILLISECONDS


def kill(engine: APIClient, container: str) -> None:
    """Its first process, as the kernel does for lack of memory: the engine was not asked for it."""
    os.kill(engine.inspect_container(container)["State"]["Pid"], signal.SIGKILL)


class Straight:
    """One container on the default bridge, brought back as soon as the engine says that it is gone."""

    def __init__(self, engine: APIClient, image: str) -> None:
        self._engine, self._image = engine, image
        self._container = ""

    async def start(self) -> None:
        host = self._engine.create_host_config(init=True, mem_limit=512 * 1024 * 1024)
        made = await asyncio.to_thread(
            self._engine.create_container,
            self._image,
            environment={"PORT": "3000"},
            labels=dict([_LABEL.split("=")]),
            host_config=host,
        )
        self._container = made["Id"]
        await self._run()

    async def killed(self) -> float:
        return await timed(lambda: asyncio.to_thread(self._killed_and_told), self._run)

    async def removed(self) -> float:
        """The engine answers once it is gone, and so needs no event."""
        return await timed(
            lambda: asyncio.to_thread(self._engine.remove_container, self._container, force=True), self.start
        )

    def remove(self) -> None:
        for container in self._engine.containers(all=True, filters={"label": _LABEL}):
            self._engine.remove_container(container["Id"], force=True)

    def _killed_and_told(self) -> None:
        kill(self._engine, self._container)
        self._engine.wait(self._container)

    async def _run(self) -> None:
        await asyncio.to_thread(self._engine.start, self._container)
        facts = await asyncio.to_thread(self._engine.inspect_container, self._container)
        await first_other(facts["NetworkSettings"]["IPAddress"], 3000, "", "")


def figures(rounds: Sequence[Round]) -> Figures:
    by_hand, made_anew = [each.by_hand for each in rounds], [each.made_anew for each in rounds]
    return Figures(
        name="self_heal",
        title="Healing",
        command=f"python -m benchmarks.self_heal --rounds {len(rounds)}",
        measure="what it takes by hand on the default bridge, as soon as the engine says so",
        rows=[
            Compared("by hand: killed, told, start, first answer", by_hand, by_hand),
            Compared("killed: to the first answer of the next start", [each.killed for each in rounds], by_hand),
            Compared("by hand: removed, create, start, first answer", made_anew, made_anew),
            Compared("removed: to the first answer of the next", [each.removed for each in rounds], made_anew),
        ],
        notes=["Real Docker Engine and Caddy."],
    )


if __name__ == "__main__":
    main()
