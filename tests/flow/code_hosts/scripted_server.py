"""An HTTP server on loopback that answers as a code host's documentation says, and keeps what it was asked."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """`path` with its query; header names in lower case; `body` is `raw` parsed, None where there was none."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    raw: bytes = b""


@dataclass(frozen=True)
class Answer:
    """`cut`: so many bytes fewer are sent than announced. `hangs`: nothing is sent until the server ends."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    hangs: bool = False


class ScriptedServer:
    """Answers are used up in their order; the last one of a path stays. What is not scripted is answered with 418."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self._script: dict[tuple[str, str], deque[Answer]] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("content-length", 0))
                raw = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(raw) if raw else None
                server.asked.append(Asked(self.command, self.path, headers, body, raw))
                server._send(self, server._next(self.command, self.path))

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names are http.server's

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer((address, 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://{address}:{self._http.server_port}"

    def on(self, method: str, path: str, status: int = 200, body: Any = None, **more: Any) -> None:
        self._script.setdefault((method, path), deque()).append(Answer(status, body, **more))

    def bodies(self, method: str, path: str) -> list[Any]:
        return [each.body for each in self.asked if (each.method, each.path) == (method, path)]

    @property
    def calls(self) -> list[str]:
        return [f"{each.method} {each.path}" for each in self.asked]

    def _next(self, method: str, path: str) -> Answer:
        found = self._script.get((method, path))
        if not found:
            return Answer(418, {"message": f"not scripted: {method} {path}"})
        return found[0] if len(found) == 1 else found.popleft()

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        if answer.hangs:
            self.over.wait(30)
            return
        raw = answer.body if isinstance(answer.body, bytes) else b""
        if answer.body is not None and not isinstance(answer.body, bytes):
            raw = json.dumps(answer.body).encode()
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw[: len(raw) - answer.cut])

    @contextmanager
    def serving(self) -> Iterator["ScriptedServer"]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            self._http.shutdown()
            self._http.server_close()
            thread.join()
