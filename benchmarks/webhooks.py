"""Webhooks: acknowledged a second, small ones while 25 MB bodies arrive, and from a trigger to the worker.

    python -m benchmarks.webhooks

Needs a redis-server and no engine. Writes `docs/benchmarks/webhooks.md`.
"""

import argparse
import asyncio
import multiprocessing
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from benchmarks.measured_where import where
from benchmarks.one_api import OneApi, one_api
from benchmarks.signed_pushes import Connection, Message, push, pushes
from slipyard.pipeline.listen import QueueListener
from slipyard.pipeline.queue import RqQueue, WorkKind

_WHAT = (
    "`python -m benchmarks.webhooks`: one API process on SQLite (synchronous=FULL) and a Redis of its own; GitHub's pushes,"
    " signed, over real HTTP, each of a new commit that is written down and decided before the answer; with no worker, each takes the place of the one before."
)
_LARGE = 25_000_000  # bytes: about what GitHub sends at most
_DEPLOYED = "a push of 8 KB that is deployed"
_IGNORED = "a push of 8 KB to another branch"
_ROW = "a row of 8 KB, committed to SQLite by this script"
_HEALTH = Message("", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
_PAUSE_SECONDS = 0.005
_REPORT = Path(__file__).parents[1] / "docs" / "benchmarks" / "webhooks.md"


@dataclass
class Measured:
    """Seconds of each single answer; `rates` in answers a second by the number of clients."""

    rates: dict[int, float] = field(default_factory=dict)
    alone: dict[str, list[float]] = field(default_factory=dict)
    beside_large: dict[str, list[float]] = field(default_factory=dict)
    large: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    blpop: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300)
    count = parser.parse_args().count
    measured = Measured()
    with one_api() as api:
        hooks = [api.make_hook(f"app-{number}") for number in range(8)]
        for clients in (1, 8):
            measured.rates[clients] = asyncio.run(rate(api, hooks, clients, count))
        beside_large(api, hooks, measured, count)
        to_the_worker(api, measured, count)
    print(table(measured))
    _REPORT.write_text(table(measured))


async def rate(api: OneApi, hooks: Sequence[tuple[str, bytes]], clients: int, count: int) -> float:
    waiting = iter([push(*hooks[number % len(hooks)]) for number in range(count)])

    async def client() -> None:
        connection = Connection(api.port)
        for message in waiting:
            assert await connection.send(message) == 202

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return count / (time.perf_counter() - began)


def beside_large(api: OneApi, hooks: Sequence[tuple[str, bytes]], measured: Measured, count: int) -> None:
    """By turns, so that both see the same machine. What the machine itself costs is said by the plain answer of `/healthz`
    and by a row of that size alone, committed to a database of the same kind."""
    for part in range(4):
        found = measured.beside_large if part % 2 else measured.alone
        sent = {
            _DEPLOYED: pushes(*hooks[part], count // 2),
            _IGNORED: pushes(*hooks[part], count // 2, branch="other"),
            "`/healthz`, which asks nothing": [_HEALTH] * (count // 2),
        }
        with large_bodies(api, hooks[-1], measured) if part % 2 else _nothing():
            for name, messages in sent.items():
                found.setdefault(name, []).extend(asyncio.run(answers(api.port, messages)))
            found.setdefault(_ROW, []).extend(single_rows(api.home / "rows.db", count // 2))


async def answers(port: int, messages: Sequence[Message]) -> list[float]:
    connection, seconds = Connection(port), []
    for message in messages:
        began = time.perf_counter()
        assert await connection.send(message) in {200, 202}
        seconds.append(time.perf_counter() - began)
        await asyncio.sleep(_PAUSE_SECONDS)
    return seconds


def single_rows(path: Path, count: int) -> Iterator[float]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS delivery (body BLOB)")
    for _ in range(count):
        began = time.perf_counter()
        connection.execute("INSERT INTO delivery VALUES (?)", (bytes(8192),))
        yield time.perf_counter() - began
        time.sleep(_PAUSE_SECONDS)
    connection.close()


@contextmanager
def large_bodies(api: OneApi, hook: tuple[str, bytes], measured: Measured) -> Iterator[None]:
    """From another process, one after the other without a pause, from before the block until after it."""
    stop, seconds = multiprocessing.Event(), multiprocessing.Queue()
    sender = multiprocessing.Process(target=_send_large, args=(api.port, hook, stop, seconds))
    sender.start()
    seconds.get()
    try:
        yield
    finally:
        stop.set()
        while (one := seconds.get()) is not None:
            measured.large.append(one)
        sender.join()


def _send_large(
    port: int, hook: tuple[str, bytes], stop: Event, seconds: "multiprocessing.Queue[float | None]"
) -> None:
    message = push(*hook, filler=_LARGE)

    async def send() -> None:
        connection = Connection(port)
        while not stop.is_set():
            began = time.perf_counter()
            assert await connection.send(message) in {200, 202}
            seconds.put(time.perf_counter() - began)

    asyncio.run(send())
    seconds.put(None)


def to_the_worker(api: OneApi, measured: Measured, count: int) -> None:
    """From the wake-up to the worker's thread, and from an LPUSH to a BLPOP in a thread, by turns."""
    url, arrived = f"unix://{api.redis_socket}", threading.Event()

    def hand_over(_: WorkKind, __: str) -> None:
        arrived.set()

    listener = QueueListener(url, "benchmark", ["deploy"], hand_over)
    listener.start()
    queue, plain = RqQueue(url, "benchmark"), Redis.from_url(url)
    threading.Thread(target=_pop, args=(url, arrived), daemon=True).start()
    for _ in range(count):
        measured.ours.append(_until(arrived, lambda: asyncio.run(queue.wake("deploy", "dep_x"))))
        measured.blpop.append(_until(arrived, lambda: plain.lpush("benchmark", "x")))
    listener.close()


def _pop(url: str, arrived: threading.Event) -> None:
    connection = Redis.from_url(url)
    with suppress(RedisError):  # its server ends before this thread does
        while True:
            if connection.blpop(["benchmark"], 1):
                arrived.set()


def _until(arrived: threading.Event, trigger: Callable[[], object]) -> float:
    arrived.clear()
    began = time.perf_counter()
    trigger()
    assert arrived.wait(10)
    return time.perf_counter() - began


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def percentiles(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    p50, p99 = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return f"{p50 * 1000:.1f} | {p99 * 1000:.1f}"


def table(measured: Measured) -> str:
    single = [
        ("a body of 25 MB itself", measured.large),
        ("wake-up -> the worker's thread, by RQ", measured.ours),
        ("LPUSH -> a thread in BLPOP", measured.blpop),
    ]
    rates = ", ".join(f"{value:.0f} a second with {clients} at once" for clients, value in measured.rates.items())
    return "\n".join(
        [
            "# Webhooks",
            "",
            _WHAT,
            "",
            where(),
            "",
            "| milliseconds until the answer | p50 | p99 | beside 25 MB: p50 | p99 |",
            "|---|---|---|---|---|",
            *(
                f"| {name} | {percentiles(seconds)} | {percentiles(measured.beside_large[name])} |"
                for name, seconds in measured.alone.items()
            ),
            "",
            "| milliseconds | p50 | p99 |",
            "|---|---|---|",
            *(f"| {name} | {percentiles(seconds)} |" for name, seconds in single),
            "",
            f"Pushes acknowledged by one process: {rates}.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
