"""Deliveries sent many times over, shuffled, by several clients, while the api and Redis are killed: nothing lost, nothing twice.

    python -m benchmarks.webhook_storm --deliveries 10000 --times 10

Needs a redis-server and no engine. Writes `docs/benchmarks/webhook_storm.md`.
"""

import argparse
import asyncio
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measured_where import where
from benchmarks.one_api import OneApi, one_api
from benchmarks.signed_pushes import Connection, Message, push

_WHAT = (
    "`python -m benchmarks.webhook_storm`: one API process on SQLite (synchronous=FULL) and a Redis of its own, both killed"
    " while GitHub's pushes arrive. Real HTTP, real signatures; no engine and no worker."
)
_AGAIN_SECONDS = 0.05
_DECIDED_SECONDS = 300


@dataclass(frozen=True)
class Plan:
    deliveries: int
    times: int
    apps: int = 10
    clients: int = 8
    kills: int = 12  # of the api and of Redis by turns


@dataclass
class Storm:
    """`cut`: requests that a killed process left without an answer, which were sent again; `slowest` in seconds."""

    answered: int = 0
    cut: int = 0
    killed: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    slowest: float = 0.0
    seconds: float = 0.0
    _awaited: int = 0
    _reached: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    async def reached(self, answered: int) -> None:
        self._awaited = answered
        self._reached.clear()
        await self._reached.wait()

    def count(self, status: int, seconds: float) -> None:
        self.answered += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.slowest = max(self.slowest, seconds)
        if self.answered >= self._awaited:
            self._reached.set()


@dataclass(frozen=True)
class Found:
    """What the database holds afterwards. All but `deliveries` and `pushes` must be nought."""

    deliveries: int
    pushes: int
    undecided: int
    lost: int
    decided_twice: int
    built_twice: int


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, value in {"deliveries": 10_000, "times": 10, "apps": 10, "clients": 8, "kills": 12}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    plan = Plan(**vars(parser.parse_args()))
    storm, found = run(plan)
    print(storm, found)
    report = Path(__file__).parents[1] / "docs" / "benchmarks" / "webhook_storm.md"
    report.write_text(_table(plan, storm, found))


def run(plan: Plan) -> tuple[Storm, Found]:
    with one_api() as api:
        hooks = [api.make_hook(f"app-{number}") for number in range(plan.apps)]
        messages = [push(*hooks[number % plan.apps]) for number in range(plan.deliveries)]
        storm = asyncio.run(_rage(api, plan, messages))
        _wait_decided(api)
        return storm, _found(api, messages)


async def _rage(api: OneApi, plan: Plan, messages: Sequence[Message]) -> Storm:
    sendings = [message for message in messages for _ in range(plan.times)]
    random.Random(7).shuffle(sendings)
    storm, waiting, began = Storm(), iter(sendings), time.perf_counter()
    killing = asyncio.create_task(_kill_by_turns(api, plan, storm, len(sendings)))
    await asyncio.gather(*(_client(api.port, waiting, storm) for _ in range(plan.clients)))
    killing.cancel()
    with suppress(asyncio.CancelledError):
        await killing
    storm.seconds = time.perf_counter() - began
    return storm


async def _client(port: int, waiting: Iterator[Message], storm: Storm) -> None:
    connection = Connection(port)
    for message in waiting:
        while True:
            began = time.perf_counter()
            try:
                status = await connection.send(message)
            except (OSError, EOFError) as error:
                storm.cut += not isinstance(error, ConnectionRefusedError)
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            storm.count(status, time.perf_counter() - began)
            break


async def _kill_by_turns(api: OneApi, plan: Plan, storm: Storm, sendings: int) -> None:
    """Redis stays away for as long as the next of its turns; the api comes back at once."""
    for turn in range(1, plan.kills + 1):
        await storm.reached(sendings * turn // (plan.kills + 1))
        if turn % 2:
            await asyncio.to_thread(_restart_api, api)
            storm.killed.append("api")
        elif turn % 4 == 2:
            await asyncio.to_thread(api.kill, "redis")
            storm.killed.append("redis")
        else:
            api.start_redis()


def _restart_api(api: OneApi) -> None:
    api.kill("api")
    api.start_api()
    api.wait_ready()


def _wait_decided(api: OneApi) -> None:
    """What a killed api left open is decided by the one that came after it."""
    api.wait_ready()
    deadline = time.monotonic() + _DECIDED_SECONDS
    while _count(api, "SELECT count(*) FROM delivery WHERE verdict IS NULL") and time.monotonic() < deadline:
        time.sleep(_AGAIN_SECONDS)


def _found(api: OneApi, messages: Sequence[Message]) -> Found:
    with closing(sqlite3.connect(api.database)) as database:
        commits = {row[0] for row in database.execute('SELECT "commit" FROM push')}
    twice = "SELECT count(*) FROM (SELECT 1 FROM {} GROUP BY app_id, {} HAVING count(*) > 1)"
    return Found(
        deliveries=_count(api, "SELECT count(*) FROM delivery"),
        pushes=len(commits),
        undecided=_count(api, "SELECT count(*) FROM delivery WHERE verdict IS NULL"),
        lost=len({message.commit for message in messages} - commits),
        decided_twice=_count(api, twice.format("push", '"commit"')),
        built_twice=_count(api, twice.format("deployment", '"commit"')),
    )


def _count(api: OneApi, query: str) -> int:
    with closing(sqlite3.connect(api.database)) as database:
        return int(database.execute(query).fetchone()[0])


def _table(plan: Plan, storm: Storm, found: Found) -> str:
    killed = ", ".join(f"{name} {storm.killed.count(name)} times" for name in ("api", "redis"))
    rows = {
        "deliveries, each of a commit of its own": plan.deliveries,
        "sent each": f"{plan.times} times, shuffled, by {plan.clients} clients, to {plan.apps} apps",
        "killed meanwhile (SIGKILL)": killed,
        "answered": f"{storm.answered}, {storm.answered / storm.seconds:.0f} a second",
        "by status": ", ".join(f"{status}: {count}" for status, count in sorted(storm.statuses.items())),
        "cut off and sent again": storm.cut,
        "slowest answer": f"{storm.slowest:.2f} s",
        "deliveries written down": found.deliveries,
        "commits decided": found.pushes,
        "lost, undecided, decided twice, built twice": (
            f"{found.lost}, {found.undecided}, {found.decided_twice}, {found.built_twice}"
        ),
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join(
        [
            "# A storm of webhooks",
            "",
            _WHAT,
            "",
            where(),
            "",
            "| | |",
            "|---|---|",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    main()
