"""A sleeping app is asked for: how long the first visitor waits, against starting or resuming the same container by hand.

    python -m benchmarks.wake --rounds 11

Needs what `scripts/up` installs. Starts two installations of its own, one after the other, and purges them: one that lets
apps sleep in memory, and one that stops them. Writes `docs/benchmarks/wake.md` and `.svg`.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from docker import APIClient

from benchmarks.figures import Compared, Figures
from benchmarks.pages import SERVES
from benchmarks.straight_line import SETTLE_SECONDS, first_answer
from tests.engine.installation import CHECKOUT, purge_installation, start_installation
from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp, new_app
from tests.flow.repository import Repository

_ENGINE = os.environ.get("SLIPYARD_DOCKER_HOST", "unix:///var/run/docker.sock")
_MILLISECONDS = 1000
_PORT = 3000
_GOOD = "200 OK"
Pairs = list[tuple[float, float]]  # what a visitor waits, and the same by hand


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    stopped = measure(rounds, "exited", SLIPYARD_PAUSED_MEMORY="0")
    paused = measure(rounds, "paused")
    figures(rounds, stopped, paused).write(CHECKOUT / "docs" / "benchmarks")


def measure(rounds: int, state: str, **settings: str) -> Pairs:
    with tempfile.TemporaryDirectory(prefix="slipyard-benchmark-") as directory:
        installation = start_installation(Path(directory) / "home", **settings)
        try:
            app = new_app(installation, Repository(Path(directory) / "work"), "sleeper")
            app.push("awake", SERVES)
            with closing(APIClient(_ENGINE)) as engine:
                return [_round(app, engine, state) for _ in range(rounds)]
        finally:
            purge_installation(installation)


def _round(app: WholeApp, engine: APIClient, state: str) -> tuple[float, float]:
    _sleep(app, state)
    [container] = app.all_containers()
    [network] = container["NetworkSettings"]["Networks"].values()
    address = network["IPAMConfig"]["IPv4Address"] if state == "exited" else network["IPAddress"]
    by_hand = _until_answered(lambda: _begin(engine, container["Id"], state), address, _PORT)
    _end(engine, container["Id"], state)
    wait_until(lambda: [each["State"] for each in app.all_containers()] == [state])
    port, host = app.slipyard.http_port, f"{app.slug}.localhost"
    woken = _until_answered(lambda: None, "127.0.0.1", port, host)
    print(f"{state}: {woken:.0f} ms, by hand {by_hand:.0f} ms")
    return woken, by_hand


def _sleep(app: WholeApp, state: str) -> None:
    wait_until(lambda: app.get()["status"] == "running")
    app.post("sleep").raise_for_status()
    wait_until(lambda: [each["State"] for each in app.all_containers()] == [state])


def _until_answered(begin: Callable[[], object], address: str, port: int, host: str = "") -> float:
    time.sleep(SETTLE_SECONDS)
    begun = time.perf_counter()
    begin()
    asyncio.run(first_answer(address, port, _GOOD, host))
    return (time.perf_counter() - begun) * _MILLISECONDS


def _begin(engine: APIClient, container: str, state: str) -> None:
    if state == "paused":
        engine.unpause(container)
    else:
        engine.start(container)


def _end(engine: APIClient, container: str, state: str) -> None:
    if state == "paused":
        engine.pause(container)
    else:
        engine.stop(container, timeout=0)


def figures(rounds: int, stopped: Pairs, paused: Pairs) -> Figures:
    starts = [by_hand for _, by_hand in stopped]
    rows = [
        Compared("engine: start, first answer", starts, starts),
        Compared("stopped: first answer to a visitor", [woken for woken, _ in stopped], starts),
        Compared("engine: resume, first answer", [by_hand for _, by_hand in paused], starts),
        Compared("paused: first answer to a visitor", [woken for woken, _ in paused], starts),
    ]
    resumed = Compared("", [woken for woken, _ in paused], [by_hand for _, by_hand in paused])
    return Figures(
        name="wake",
        title="Waking what sleeps",
        command=f"python -m benchmarks.wake --rounds {rounds}",
        measure="the engine's start of the same stopped container, asked directly",
        rows=rows,
        notes=[
            "Real Docker Engine and Caddy. The visitor asks through the router, whose route leads to the waker.",
            f"From memory a visitor waits {resumed.ratio:.2f} of what it takes to resume the container by hand.",
        ],
    )


if __name__ == "__main__":
    main()
