"""Calls to many hosts side by side, in a bounded number, so that one host that is away cannot hold up the others."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from slipyard.domain.clock import Clock
from slipyard.domain.errors import SlipyardError, Unavailable

T = TypeVar("T")


class NoTurn(SlipyardError):
    """The pass was over before its turn came; the next one begins with it."""

    code = "no_turn"


class Lanes:
    """For one pass. Whoever waits for a busy host takes no place of the others, and a host that did not answer is not
    asked again. After `seconds` nothing new begins."""

    def __init__(self, clock: Clock, *, width: int, of_one_host: int, seconds: float) -> None:
        self._clock = clock
        self._ends = clock.monotonic() + seconds
        self._all = asyncio.Semaphore(width)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(of_one_host))
        self._away: dict[str, Unavailable] = {}

    async def run(self, host: str, work: Callable[[], Awaitable[T]]) -> T:
        """`NoTurn`, or the `Unavailable` of a host that just did not answer; else what `work` does."""
        async with self._hosts[host]:
            self._check(host)
            async with self._all:
                self._check(host)
                try:
                    return await work()
                except Unavailable as error:
                    self._away[host] = error
                    raise

    def _check(self, host: str) -> None:
        if host in self._away:
            raise self._away[host]
        if self._clock.monotonic() > self._ends:
            raise NoTurn(f"There was no time left to ask {host}; the next pass begins with it.")
