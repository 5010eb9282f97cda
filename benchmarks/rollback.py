"""Going live without a build, and going back: against create, start and the first answer of the same image, in one run.

    python -m benchmarks.rollback --rounds 11

Needs what `scripts/up` installs. Starts an installation of its own and purges it. Writes `docs/benchmarks/rollback.md`
and `.svg`.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from docker import APIClient

from benchmarks.figures import Compared, Figures, median_spans
from benchmarks.own_installation import own_installation
from benchmarks.pages import SERVES, first_other
from benchmarks.straight_line import SETTLE_SECONDS, first_answer
from tests.engine.installation import CHECKOUT, Installation
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp, new_app
from tests.flow.repository import Repository

_ENGINE = os.environ.get("SLIPYARD_DOCKER_HOST", "unix:///var/run/docker.sock")
_TEXTS = ("first", "second")
_MILLISECONDS = 1000


@dataclass(frozen=True)
class Live:
    """Milliseconds: what the one who asks waits for the other page, and from the accepted request to `active`."""

    seen: float
    server: float
    spans: dict[str, float]


@dataclass(frozen=True)
class Round:
    paused: Live
    stopped: Live
    started: Live  # its image is here: the same release once more
    anew: float  # create, start, first answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    with own_installation() as (installation, work):
        measured = asyncio.run(measure(installation, work, rounds))
    figures(measured).write(CHECKOUT / "docs" / "benchmarks")


async def measure(installation: Installation, work: Path, rounds: int) -> list[Round]:
    app = new_app(installation, Repository(work), "back")
    for text in _TEXTS:
        await asyncio.to_thread(app.push, text, SERVES)
    with closing(APIClient(_ENGINE)) as engine:
        measured = []
        for _ in range(rounds):
            await asyncio.to_thread(app.wait_paused)
            paused = await go_back(app)
            await asyncio.to_thread(app.wait_paused)
            await asyncio.to_thread(forget_paused, app, engine)
            stopped = await go_back(app)
            anew = await start_anew(app, engine)
            started = await live_by(app, "restart", "", {})
            measured.append(Round(paused, stopped, started, anew))
            print(measured[-1])
        return measured


async def go_back(app: WholeApp) -> Live:
    """To the release that does not serve."""
    rows = await asyncio.to_thread(app.deployments)
    text = next(each for each in _TEXTS if not app.text().startswith(each))
    target = next(row for row in rows if row["release_id"] != rows[0]["release_id"])
    return await live_by(app, "rollback", text, {"deployment_id": target["id"]})


async def live_by(app: WholeApp, word: str, text: str, body: dict[str, str]) -> Live:
    """From the request to the first page that is another one and begins with `text`."""
    await asyncio.sleep(SETTLE_SECONDS)
    before, host = await asyncio.to_thread(app.text), f"{app.slug}.localhost"
    begun = time.perf_counter()
    seeing = asyncio.ensure_future(first_other("127.0.0.1", app.slipyard.http_port, host, before, text))
    asked = await asyncio.to_thread(app.post, word, json=body)
    seen = (await seeing - begun) * _MILLISECONDS
    row = await asyncio.to_thread(app.wait_over, {"id": asked.raise_for_status().json()["deployment_id"]})
    took = datetime.fromisoformat(row["finished_at"]) - datetime.fromisoformat(row["created_at"])
    spans = {span["name"]: float(span["milliseconds"]) for span in row["spans"]}
    return Live(seen, took.total_seconds() * _MILLISECONDS, spans)


def forget_paused(app: WholeApp, engine: APIClient) -> None:
    """As after ten minutes, or a reboot: the controller sees that there is nothing left to thaw."""
    for container in app.all_containers():
        if container["State"] == "paused":
            engine.remove_container(container["Id"], force=True)
    wait_until(lambda: not app.instances("paused", "terminating"))


async def start_anew(app: WholeApp, engine: APIClient) -> float:
    image = (await asyncio.to_thread(app.builds))[0]["image_id"]
    await asyncio.sleep(SETTLE_SECONDS)
    begun = time.perf_counter()
    made, address = await asyncio.to_thread(_run, engine, image)
    await first_answer(address, 3000, "200 OK")
    took = (time.perf_counter() - begun) * _MILLISECONDS
    await asyncio.to_thread(engine.remove_container, made, force=True)
    return took


def _run(engine: APIClient, image: str) -> tuple[str, str]:
    host = engine.create_host_config(init=True, mem_limit=512 * 1024 * 1024)
    made = engine.create_container(image, environment={"PORT": "3000"}, host_config=host)["Id"]
    engine.start(made)
    return made, str(engine.inspect_container(made)["NetworkSettings"]["IPAddress"])


def figures(rounds: Sequence[Round]) -> Figures:
    anew = [each.anew for each in rounds]
    ways = {
        "paused": [each.paused for each in rounds],
        "stopped": [each.stopped for each in rounds],
        "local image": [each.started for each in rounds],
    }
    rows = [Compared("create, start, first answer", anew, anew)]
    for name, lives in ways.items():
        rows.append(Compared(f"{name}: asked to the first answer", [each.seen for each in lives], anew))
        rows.append(Compared(f"{name}: accepted to active", [each.server for each in lives], anew))
    back = Compared("", [each.stopped.seen for each in rounds], [each.started.seen for each in rounds])
    return Figures(
        name="rollback",
        title="Going live without a build, and going back",
        command=f"python -m benchmarks.rollback --rounds {len(rounds)}",
        measure="create, start and the first answer on the default bridge",
        rows=rows,
        notes=[
            "Real Docker Engine and Caddy.",
            f"Going back to what was stopped takes {back.ratio:.2f} of what its local image takes to go live.",
            f"Spans of a paused one: {_spans(ways['paused'])}. Of a local image: {_spans(ways['local image'])}.",
        ],
    )


def _spans(lives: Sequence[Live]) -> str:
    return ", ".join(f"{name} {value:.0f}" for name, value in median_spans([each.spans for each in lives]).items())


if __name__ == "__main__":
    main()
