"""Commit to live: Slipyard against a straight-line script, alternated on one machine, as ratios of pairs.

    python -m benchmarks.commit_to_live --pairs 11

Needs what `scripts/up` installs. Starts an installation of its own and purges it. Writes `docs/benchmarks/commit_to_live.md`
and `.svg`.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import APIClient

from benchmarks.own_installation import own_installation
from benchmarks.report import write_report
from benchmarks.straight_line import SETTLE_SECONDS, StraightLine, first_answer, run
from slipyard.builder.buildkit.connect import engine_builder
from tests.engine.installation import CHECKOUT, Installation
from tests.flow.repository import Repository

_ENGINE = os.environ.get("SLIPYARD_DOCKER_HOST", "unix:///var/run/docker.sock")


@dataclass(frozen=True)
class Pair:
    """Seconds of one change, deployed both ways, and Slipyard's own spans of it in milliseconds."""

    slipyard: float
    straight: float
    spans: dict[str, float]

    @property
    def ratio(self) -> float:
        return self.slipyard / self.straight


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=11)
    pairs = parser.parse_args().pairs
    with own_installation() as (installation, work):
        measured = asyncio.run(measure(installation, work, pairs))
    write_report(measured, CHECKOUT / "docs" / "benchmarks")


async def measure(installation: Installation, work: Path, pairs: int) -> list[Pair]:
    shutil.copytree(CHECKOUT / "examples" / "hello-python", work)
    repository = Repository(work)
    straight = StraightLine(work, await engine_builder(_ENGINE), APIClient(_ENGINE))
    change(repository, "warm-up")
    await straight.prepare()
    await timed(push_to, installation, repository)
    await straight.deploy(head(repository))
    measured = []
    try:
        for number in range(pairs):
            measured.append(await one_pair(installation, repository, straight, number))
            print(
                f"{number + 1:3}  {measured[-1].slipyard:.3f} s  {measured[-1].straight:.3f} s  {measured[-1].ratio:.2f}"
            )
    finally:
        straight.clean_up()
    print(f"median ratio {statistics.median(pair.ratio for pair in measured):.2f}")
    return measured


async def one_pair(installation: Installation, repository: Repository, straight: StraightLine, number: int) -> Pair:
    """Each way has a change of its own, so that neither finds the other's layers; who goes first alternates."""

    async def ours() -> float:
        change(repository, f"slipyard {number}")
        return await timed(push_to, installation, repository)

    async def theirs() -> float:
        commit = change(repository, f"straight {number}")
        return await timed(straight.deploy, commit)

    if number % 2:
        second, first = await theirs(), await ours()
        seconds = (first, second)
    else:
        seconds = (await ours(), await theirs())
    return Pair(*seconds, spans=spans_of_last(installation))


async def push_to(installation: Installation, repository: Repository) -> None:
    helper = "!f() { echo username=x; echo password=$SLIPYARD_TEST_TOKEN; }; f"
    url = f"http://127.0.0.1:{installation.port}/git/bench.git"
    environment = {"SLIPYARD_TEST_TOKEN": installation.token, "PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    pushing = asyncio.ensure_future(
        run(
            "git",
            "-C",
            str(repository.path),
            "-c",
            f"credential.helper={helper}",
            "push",
            "--quiet",
            url,
            "main",
            **environment,
        )
    )
    await first_answer("127.0.0.1", installation.http_port, head(repository), "bench.localhost")
    await pushing


async def timed(work: Callable[..., Awaitable[None]], *arguments: Any) -> float:
    """Until the first answer of the new version; what follows it (the end of `git push`) is awaited and not counted."""
    await asyncio.sleep(SETTLE_SECONDS)
    start = time.perf_counter()
    await work(*arguments)
    return time.perf_counter() - start


def change(repository: Repository, text: str) -> str:
    """One file of the app, one that the image holds."""
    kept = {name: (repository.path / name).read_text() for name in ("Dockerfile", "app.py")}
    return repository.commit(text, Dockerfile=kept["Dockerfile"], app__py=f"{kept['app.py']}# {text}\n")


def head(repository: Repository) -> str:
    return repository.git("rev-parse", "HEAD")


def spans_of_last(installation: Installation) -> dict[str, float]:
    with installation.client() as client:
        rows = client.get("/apps/bench/deployments", params={"limit": 1}).raise_for_status().json()["deployments"]
        builds = client.get("/apps/bench/builds", params={"limit": 1}).raise_for_status().json()["builds"]
    return {span["name"]: span["milliseconds"] for row in (*builds, *rows) for span in row["spans"]}


if __name__ == "__main__":
    main()
