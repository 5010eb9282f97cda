"""One image whose releases behave as the environment of each says: a new release needs no build."""

from typing import Any

import httpx

from tests.engine.whole_app import WholeApp

DOCKERFILE = """\
FROM python:3.11-slim
COPY server.py /app/
CMD ["python", "-u", "/app/server.py"]
"""
SERVER = """\
import os, signal, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODE, TEXT = os.environ.get("MODE", "fine"), os.environ.get("TEXT", "release 0").encode()

if sys.argv[1:] == ["migrate"]:
    print("migrating", TEXT.decode())
    sys.exit(7 if MODE == "migration fails" else 0)
if MODE == "exits at once":
    sys.exit("out of luck")
if MODE in {"exits after 1 s", "exits after 5 s"}:
    time.sleep(int(MODE.split()[2]))
    sys.exit("out of luck later")
if MODE == "starts slowly":
    time.sleep(1.5)
if MODE == "ignores SIGTERM":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if MODE == "slow to stop":
    signal.signal(signal.SIGTERM, lambda *_: (time.sleep(2), os._exit(0)))
if MODE == "fine":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Upgrade") == "websocket":
            return self.echo()
        if self.path == "/events":
            return self.stream()
        if self.path == "/slow":
            time.sleep(0.7)
        broken = MODE == "never ready" or (MODE == "answers 500" and self.path != "/up")
        self.send_response(500 if broken else 200)
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT)

    do_POST = do_GET

    def stream(self):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        while True:
            self.wfile.write(b"data: " + TEXT + b"\\n\\n")
            time.sleep(0.1)

    def echo(self):
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.end_headers()
        while line := self.rfile.readline():
            self.wfile.write(TEXT + b": " + line)
        self.close_connection = True

    def log_message(self, *_): ...


ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
CHECK = {"path": "/up", "start_period": 3}


def go_live(app: WholeApp, **body: Any) -> None:
    """Release 0."""
    app.create(**({"health_check": CHECK} | body))
    app.repository.commit("server", Dockerfile=DOCKERFILE, server__py=SERVER)
    app.slipyard.git_push(app.repository.path, app.slug)
    assert app.text() == "release 0"


def ask(app: WholeApp, number: int, mode: str = "fine", wait: int = 60) -> dict[str, Any]:
    """The deployment of another release of the same image, after at most `wait` seconds."""
    env = {"MODE": mode, "TEXT": f"release {number}"}
    answer = app.post(f"deploy?wait={wait}", json={"env_vars": env})
    assert answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR, answer.text
    return app.deployments()[0]
