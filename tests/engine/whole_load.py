"""Visitors of an app: they ask without a pause, and write down every answer."""

import threading
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from typing import Self

import httpx

from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp

READ, WRITE, SLOW = ("GET", "/"), ("POST", "/"), ("GET", "/slow")
CLIENTS = 4
PAUSE_SECONDS = 0.01  # the apps and what deploys them need the cores too


class Load:
    """Half of the clients keep their connections, the others make one for each request."""

    def __init__(self, app: WholeApp, *requests: tuple[str, str]) -> None:
        self.seen: Counter[tuple[int, str]] = Counter()
        self.broken: list[str] = []
        self._requests = requests or (READ,)
        self._url = f"http://127.0.0.1:{app.slipyard.http_port}"
        self._host = f"{app.slug}.localhost"
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number % 2 == 0,)) for number in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.more()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def lost(self) -> list[str]:
        """What a visitor would call an outage."""
        return self.broken + [f"{status}: {text[:80]}" for status, text in self.seen if status != httpx.codes.OK]

    @property
    def texts(self) -> set[str]:
        return {text for _, text in self.seen}

    def more(self, answers: int = 2 * CLIENTS) -> None:
        """Waits for so many more answers."""
        goal = self.seen.total() + answers
        wait_until(lambda: self.broken or self.seen.total() >= goal)

    def _ask(self, keep: bool) -> None:
        requests = cycle(self._requests)
        while not self._over.is_set():
            with httpx.Client(base_url=self._url, headers={"Host": self._host}, timeout=60) as client:
                self._ask_over(client, requests, keep)

    def _ask_over(self, client: httpx.Client, requests: Iterator[tuple[str, str]], keep: bool) -> None:
        while not self._over.wait(PAUSE_SECONDS):
            method, path = next(requests)
            try:
                answer = client.request(method, path)
            except httpx.HTTPError as error:
                self.broken.append(f"{method} {path}: {error!r}")
                return
            self.seen[answer.status_code, answer.text] += 1
            if not keep:
                return
