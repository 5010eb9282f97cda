"""GitHub as far as we need it, on one port of loopback: git over HTTP, and the REST API below /api/v3 as it is documented.

It knows which commits there are, refuses every token but its own, and keeps what it is told.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

API = "/api/v3"


@dataclass
class GitHubLike:
    bare: Path
    git_port: int
    token: str
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def states(self, commit: str) -> list[str]:
        return [status["state"] for status in self.statuses.get(commit, [])]

    def answer(self, method: str, path: str, token: str, body: Any) -> tuple[int, Any]:
        if token != f"Bearer {self.token}":
            return 401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}
        match (method, path.split("/")[1:]):
            case ("GET", ["user"]):
                return 200, {"login": "octocat", "id": 1}
            case ("POST", ["repos", "app", "statuses", commit]):
                return self._status(commit, body)
            case ("POST", ["repos", "app", "deployments"]):
                self.deployments.append({**body, "states": []})
                return 201, {"id": len(self.deployments)}
            case ("POST", ["repos", "app", "deployments", number, "statuses"]):
                self.deployments[int(number) - 1]["states"].append(body["state"])
                return 201, {"id": 1, "state": body["state"]}
            case _:
                return 404, {"message": "Not Found"}

    def _status(self, commit: str, body: Any) -> tuple[int, Any]:
        known = subprocess.run(["git", "-C", self.bare, "cat-file", "-e", commit], check=False, capture_output=True)
        if known.returncode != 0:
            return 422, {"message": f"No commit found for SHA: {commit}"}
        self.statuses.setdefault(commit, []).append(body)
        return 201, {"id": 1, **body}


class _Handler(BaseHTTPRequestHandler):
    github: GitHubLike

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.startswith(API):
            self._pass_on(body)
            return
        path, token = self.path.removeprefix(API), self.headers.get("Authorization", "")
        status, answer = self.github.answer(self.command, path, token, json.loads(body) if body else None)
        self._send(status, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def _pass_on(self, body: bytes) -> None:
        wanted = ("Content-Type", "Git-Protocol", "Content-Encoding", "Authorization")
        headers = {name: self.headers[name] for name in wanted if name in self.headers}
        url = f"http://127.0.0.1:{self.github.git_port}{self.path}"
        answer = httpx.request(self.command, url, headers=headers, content=body, timeout=60)
        kept = {name: value for name, value in answer.headers.items() if name.lower() == "content-type"}
        self._send(answer.status_code, kept, answer.content)

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def github_like(bare: Path, git_port: int, token: str) -> Iterator[GitHubLike]:
    """A repository's URL is `<url>/app.git`, which the API calls `app`: git's own backend serves it from its directory."""
    github = GitHubLike(bare, git_port, token)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"github": github}))
    github.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
