"""A web server that answers with what it was asked."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Echo:
    name: str
    address: str = ""
    requests: int = 0


@asynccontextmanager
async def echoing(name: str) -> AsyncIterator[Echo]:
    echo = Echo(name)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(echo)) as server:
        echo.address = f"127.0.0.1:{server.server_address[1]}"
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield echo
        finally:
            server.shutdown()
            serving.join()


def _handler(echo: Echo) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            echo.requests += 1
            body = self._body()
            said = {"name": echo.name, "path": self.path, "headers": dict(self.headers), "body_bytes": body}
            text = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("X-Secret", "of the app")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET  # noqa: N815 - the base class looks for this name

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def _body(self) -> int:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            size = 0
            while length := int(self.rfile.readline().strip() or b"0", 16):
                size += len(self.rfile.read(length))
                self.rfile.readline()
            self.rfile.readline()
            return size

    return Handler
