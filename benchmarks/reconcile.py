"""A reconcile pass without drift at 100, 1,000 and 10,000 apps, against reading one list answer of the engine.

    python -m benchmarks.reconcile --passes 11

The engine is a simulated one that answers with the bytes of a real one's list; the pass, its queries and SQLite are real.
Writes `docs/benchmarks/reconcile.md` and `.svg`.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network
from pathlib import Path

from benchmarks.figures import Compared, Figures
from benchmarks.many_apps import ListAnswer, copy_app, list_answer, serving_instances
from slipyard.clients.container_engine import ContainerState
from slipyard.pipeline.healing.heal import heal
from slipyard.pipeline.healing.heal_watch import HealWatch
from tests.engine.installation import CHECKOUT
from tests.flow.rollouts import new_shop
from tests.flow.system import System

_APPS = (100, 1_000, 10_000)
_POOL = IPv4Network("10.192.0.0/12")  # room for 16,384 apps
_MILLISECONDS = 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--passes", type=int, default=11)
    passes = parser.parse_args().passes
    rows = [row for apps in _APPS for row in asyncio.run(measure(apps, passes))]
    figures(rows, passes).write(CHECKOUT / "docs" / "benchmarks")


async def measure(apps: int, passes: int) -> Sequence[Compared]:
    with tempfile.TemporaryDirectory(prefix="slipyard-benchmark-") as directory:
        system = System(Path(directory) / "home")
        system.set(network_pool=_POOL)
        shop = await new_shop(system, 1)
        copy_app(system, shop.app_id, apps)
        answer = list_answer(system)
        answers_with(system, answer)
        watch = watch_of_a_leader(system)
        await heal(system.context, watch)  # each release is read once
        system.engine.calls.clear()
        ours, theirs = await alternated(lambda: heal(system.context, watch), answer, passes)
        if system.engine.calls:
            raise SystemExit(f"there was something to do: {system.engine.calls}")
        system.installation.close()
    print(f"{apps:6} apps: {sum(ours) / passes:.1f} ms a pass, {sum(theirs) / passes:.1f} ms a list")
    return (
        Compared(f"{apps:,} apps: one list answer, read", theirs, theirs),
        Compared(f"{apps:,} apps: a pass", ours, theirs),
    )


async def alternated(
    one_pass: Callable[[], Awaitable[None]], answer: ListAnswer, passes: int
) -> tuple[list[float], list[float]]:
    async def read() -> None:
        await asyncio.to_thread(answer.read)

    ours, theirs = [], []
    for _ in range(passes):
        theirs.append(await timed(read))
        ours.append(await timed(one_pass))
    return ours, theirs


async def timed(work: Callable[[], Awaitable[None]]) -> float:
    begun = time.perf_counter()
    await work()
    return (time.perf_counter() - begun) * _MILLISECONDS


def answers_with(system: System, answer: ListAnswer) -> None:
    async def containers(_: object) -> list[ContainerState]:
        return await asyncio.to_thread(answer.read)

    system.engine.containers = containers  # type: ignore[method-assign]


def watch_of_a_leader(system: System) -> HealWatch:
    """It has heard the engine all along, and looked at each container before."""
    system.context.stirred.listening = True
    rows = serving_instances(system)
    return HealWatch(heard=True, examined={row.container_id or "": row.deployment_id for row in rows})


def figures(rows: Sequence[Compared], passes: int) -> Figures:
    return Figures(
        name="reconcile",
        title="A reconcile pass without drift",
        command=f"python -m benchmarks.reconcile --passes {passes}",
        measure="reading the engine's list answer from JSON",
        rows=rows,
        notes=["Simulated engine, real SQLite; the time that an engine takes for its list is in neither."],
    )


if __name__ == "__main__":
    main()
