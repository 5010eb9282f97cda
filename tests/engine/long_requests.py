"""Requests that live longer than a deployment: a body that comes slowly, and a stream of events."""

import threading
import time
from collections.abc import Iterator
from typing import Self

import httpx

from tests.engine.waiting import wait_until
from tests.engine.whole_app import WholeApp

_PIECES = 12
_PIECE_SECONDS = 0.25
_PAUSE = threading.Event()


class SlowUpload:
    """`text` and `status` are what its one answer says; it begins at once, and takes three seconds to send."""

    def __init__(self, app: WholeApp) -> None:
        self.sent = 0
        self.answer: httpx.Response | None = None
        self.broken: httpx.HTTPError | None = None
        self._app = app
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.sent)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _send(self) -> None:
        headers = {"Host": f"{self._app.slug}.localhost", "Content-Length": str(_PIECES)}
        try:
            self.answer = httpx.post(_url(self._app, "/"), content=self._pieces(), headers=headers, timeout=60)
        except httpx.HTTPError as error:
            self.broken = error

    def _pieces(self) -> Iterator[bytes]:
        for _ in range(_PIECES):
            yield b"x"
            self.sent += 1
            _PAUSE.wait(_PIECE_SECONDS)


class SlowUploads:
    """One after the other, until the end. `lost` are those that were not answered with 200."""

    def __init__(self, app: WholeApp) -> None:
        self.count = 0
        self.lost: list[str] = []
        self._app = app
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._over.is_set():
            with SlowUpload(self._app) as upload:
                pass
            self.count += 1
            if upload.answer is None or upload.answer.status_code != httpx.codes.OK:
                self.lost.append(f"slow body: {upload.broken or upload.answer}")


class EventStream:
    """`events` are all that came; `ended_at` is when no more could, on the monotonic clock."""

    def __init__(self, app: WholeApp) -> None:
        self.events: list[str] = []
        self.status: int | None = None
        self.ended_at: float | None = None
        self._app = app
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.events)
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(timeout=90)

    def _read(self) -> None:
        headers = {"Host": f"{self._app.slug}.localhost"}
        try:
            with httpx.stream("GET", _url(self._app, "/events"), headers=headers, timeout=60) as answer:
                self.status = answer.status_code
                for line in answer.iter_lines():
                    self.events += [line.removeprefix("data: ")] if line else []
        except httpx.TransportError:
            pass  # the end by force, after the drain
        finally:
            self.ended_at = time.monotonic()


def _url(app: WholeApp, path: str) -> str:
    return f"http://127.0.0.1:{app.slipyard.http_port}{path}"
