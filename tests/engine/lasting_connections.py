"""Websockets and streams of events, one after the other, each for as long as its instance has.

An instance that gives way keeps what is open until its drain deadline. What is connected was routed to one that had not
given way yet, so whatever ends before the drain's seconds have passed was cut.
"""

import socket
import threading
import time
from abc import ABC, abstractmethod
from typing import Self

import httpx

from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp

_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 60
_LINE = b"hello\n"


class _Lasting(ABC):
    """`count` connections were made and `heard` pieces came over them; `lost` says what should have been and was not."""

    noun: str

    def __init__(self, app: WholeApp, drain_seconds: float) -> None:
        self.count = self.heard = 0
        self.lost: list[str] = []
        self.texts: set[str] = set()
        self._app = app
        self._drain_seconds = drain_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.heard or self.lost)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @abstractmethod
    def _last(self) -> None:
        """Until the other side ends it, or all is over. An `AssertionError` or `OSError` says what is wrong with it."""

    def _go_on(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            self.count += 1
            try:
                self._last()
            except (AssertionError, OSError, httpx.HTTPError) as error:
                self.lost.append(f"{self.noun}: {error!r}")
                return
            lived = time.monotonic() - began
            if lived < self._drain_seconds and not self._over.is_set():
                self.lost.append(f"{self.noun}: ended after {lived:.2f} s")

    def _hear(self, text: str) -> None:
        self.heard += 1
        self.texts.add(text)


class LastingWebsockets(_Lasting):
    """Each line that is sent comes back, as long as the connection lasts."""

    noun = "websocket"

    def _last(self) -> None:
        with open_websocket(self._app) as connection:
            while not self._over.wait(_PAUSE_SECONDS) and (line := echoed(connection)):
                text, _, said = line.decode().partition(": ")
                assert said.encode() == _LINE, line
                self._hear(text)


class LastingStreams(_Lasting):
    """An event comes ten times a second."""

    noun = "stream of events"

    def _last(self) -> None:
        headers = {"Host": f"{self._app.slug}.localhost"}
        url = f"http://127.0.0.1:{self._app.slipyard.http_port}/events"
        with httpx.stream("GET", url, headers=headers, timeout=_PATIENCE_SECONDS) as answer:
            assert answer.status_code == httpx.codes.OK, answer.status_code
            try:
                for line in answer.iter_lines():
                    if line:
                        self._hear(line.removeprefix("data: "))
                    if self._over.is_set():
                        return
            except httpx.RemoteProtocolError:
                return  # its end by force, after the drain


def open_websocket(app: WholeApp) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", app.slipyard.http_port), timeout=_PATIENCE_SECONDS)
    head = f"GET /ws HTTP/1.1\r\nHost: {app.slug}.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    connection.sendall(head.encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n") and (piece := connection.recv(1)):
        answer += piece
    assert answer.startswith(b"HTTP/1.1 101"), answer
    return connection


def echoed(connection: socket.socket) -> bytes:
    """The whole line, in however many pieces it comes; empty where the other side has closed."""
    try:
        connection.sendall(_LINE)
        return connection.makefile("rb").readline()
    except ConnectionError:
        return b""
