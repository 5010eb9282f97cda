"""Going back: paused and stopped, against create, start and the first answer of the same image, alternated in one run.

    python -m benchmarks.rollback --rounds 11

Needs what `scripts/up` installs. Starts an installation of its own and purges it. Writes `docs/benchmarks/rollback.md`.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from docker import APIClient

from benchmarks.measured_where import where
from benchmarks.straight_line import first_answer
from tests.engine.installation import CHECKOUT, Installation, purge_installation, start_installation
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp, new_app
from tests.flow.repository import Repository

_ENGINE = os.environ.get("SLIPYARD_DOCKER_HOST", "unix:///var/run/docker.sock")
_TEXTS = ("first", "second")
_MILLISECONDS = 1000


@dataclass(frozen=True)
class Back:
    """Milliseconds: what the one who asks waits for the other text, and from the accepted request to `active`."""

    seen: float
    server: float
    spans: dict[str, float]


@dataclass(frozen=True)
class Round:
    paused: Back
    stopped: Back
    anew: float  # create, start, first answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="slipyard-benchmark-") as directory:
        installation = start_installation(Path(directory) / "home")
        try:
            measured = asyncio.run(measure(installation, Path(directory) / "work", rounds))
        finally:
            purge_installation(installation)
    (CHECKOUT / "docs" / "benchmarks" / "rollback.md").write_text(report(measured))


async def measure(installation: Installation, work: Path, rounds: int) -> list[Round]:
    app = new_app(installation, Repository(work), "back")
    for text in _TEXTS:
        await asyncio.to_thread(app.push, text)
    with closing(APIClient(_ENGINE)) as engine:
        measured = []
        for _ in range(rounds):
            await asyncio.to_thread(app.wait_paused)
            paused = await go_back(app)
            await asyncio.to_thread(app.wait_paused)
            await asyncio.to_thread(forget_paused, app, engine)
            stopped = await go_back(app)
            measured.append(Round(paused, stopped, await start_anew(app, engine)))
            print(measured[-1])
        return measured


async def go_back(app: WholeApp) -> Back:
    """To the release that does not serve."""
    rows = await asyncio.to_thread(app.deployments)
    text = next(each for each in _TEXTS if each != app.text())
    target = next(row for row in rows if row["release_id"] != rows[0]["release_id"])
    begun = time.perf_counter()
    asked = await asyncio.to_thread(app.post, "rollback", json={"deployment_id": target["id"]})
    await first_answer("127.0.0.1", app.slipyard.http_port, text, f"{app.slug}.localhost")
    seen = (time.perf_counter() - begun) * _MILLISECONDS
    row = await asyncio.to_thread(app.wait_over, {"id": asked.raise_for_status().json()["deployment_id"]})
    took = datetime.fromisoformat(row["finished_at"]) - datetime.fromisoformat(row["created_at"])
    spans = {span["name"]: float(span["milliseconds"]) for span in row["spans"]}
    return Back(seen, took.total_seconds() * _MILLISECONDS, spans)


def forget_paused(app: WholeApp, engine: APIClient) -> None:
    """As after ten minutes, or a reboot: the controller sees that there is nothing left to thaw."""
    for container in app.all_containers():
        if container["State"] == "paused":
            engine.remove_container(container["Id"], force=True)
    wait_until(lambda: not app.instances("paused", "terminating"))


async def start_anew(app: WholeApp, engine: APIClient) -> float:
    image = (await asyncio.to_thread(app.builds))[0]["image_id"]
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


def report(rounds: Sequence[Round]) -> str:
    anew = [each.anew for each in rounds]
    rows = [
        ("create, start, first answer", anew),
        ("paused: asked to the first answer of the other release", [each.paused.seen for each in rounds]),
        ("paused: accepted to active, the server's part", [each.paused.server for each in rounds]),
        ("stopped: asked to the first answer", [each.stopped.seen for each in rounds]),
        ("stopped: accepted to active", [each.stopped.server for each in rounds]),
    ]
    names = sorted({name for each in rounds for name in each.paused.spans})
    spans = {name: statistics.median(each.paused.spans.get(name, 0.0) for each in rounds) for name in names}
    return "\n".join(
        [
            "# Going back",
            "",
            f"`python -m benchmarks.rollback --rounds {len(rounds)}`, {where()}",
            "Real Docker Engine and Caddy. Milliseconds, alternated; the ratio is the median of the rounds'.",
            "",
            "| | least | median | most | ratio |",
            "|---|---|---|---|---|",
            *(_row(name, values, anew) for name, values in rows),
            "",
            f"Medians of the spans of a paused one: {', '.join(f'{name} {value:.0f}' for name, value in spans.items())}.",
            "",
        ]
    )


def _row(name: str, values: Sequence[float], anew: Sequence[float]) -> str:
    ratio = statistics.median(value / other for value, other in zip(values, anew, strict=True))
    return f"| {name} | {min(values):.0f} | **{statistics.median(values):.0f}** | {max(values):.0f} | {ratio:.2f} |"


if __name__ == "__main__":
    main()
