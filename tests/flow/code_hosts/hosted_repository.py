"""A repository at a code host, as its REST API shows it: hooks, deploy keys, requests and comments that stay."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import unquote, urlsplit

_GITHUB = {
    "user": r"/user",
    "repository": r"/repos/acme/shop",
    "hooks": r"/repos/acme/shop/hooks(?:/(?P<id>\d+))?",
    "keys": r"/repos/acme/shop/keys(?:/(?P<id>\d+))?",
    "requests": r"/repos/acme/shop/pulls",
    "comments": r"/repos/acme/shop/issues/(?:comments/(?P<id>\d+)|(?P<number>\d+)/comments)",
    "statuses": r"/repos/acme/shop/statuses/\w+",
}
_GITLAB = {
    "user": r"/user",
    "repository": r"/projects/acme/shop",
    "hooks": r"/projects/acme/shop/hooks(?:/(?P<id>\d+))?",
    "keys": r"/projects/acme/shop/deploy_keys(?:/(?P<id>\d+))?",
    "requests": r"/projects/acme/shop/merge_requests",
    "comments": r"/projects/acme/shop/merge_requests/(?P<number>\d+)/notes(?:/(?P<id>\d+))?",
    "statuses": r"/projects/acme/shop/statuses/\w+",
}
PATHS = {"github": _GITHUB, "gitea": _GITHUB, "forgejo": _GITHUB, "gitlab": _GITLAB}
USER = {"login": "octocat", "username": "octocat"}
# What git reads of a repository with one commit (gitprotocol-http(5), gitprotocol-pack(5)).
ADVERTISED = (
    b"001e# service=git-upload-pack\n0000"
    + b"".join(
        f"{len(line) + 4:04x}".encode() + line
        for line in (b"a" * 40 + b" HEAD\0agent=git/2\n", b"a" * 40 + b" refs/heads/main\n")
    )
    + b"0000"
)
ADMIN = {"permissions": {"admin": True, "project_access": {"access_level": 40}}}


class HostedRepository:
    """`away`: every call is answered with 503. `refuses`: names of what is answered with 403. `public`: git may read it."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.hooks: dict[str, Any] = {}
        self.keys: dict[str, Any] = {}
        self.requests: list[Any] = []
        self.comments: dict[str, Any] = {}
        self.calls: list[str] = []
        self.away = False
        self.public = False
        self.refuses: set[str] = set()
        self._ids = count(100)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def request(self, number: int, commit: str, *, fork: bool = False, branch: str = "feature/login") -> Any:
        """An open pull or merge request, in the words of every provider at once."""
        return {
            "number": number, "iid": number, "title": f"Request {number}", "html_url": "https://x", "web_url": "https://x",
            "user": {"login": "dev"}, "author": {"username": "dev"},
            "head": {"ref": branch, "sha": commit, "repo": {"id": 2 if fork else 1}, "repo_id": 2 if fork else 1},
            "base": {"ref": "main", "repo": {"id": 1}, "repo_id": 1},
            "source_branch": branch, "target_branch": "main", "sha": commit,
            "source_project_id": 2 if fork else 1, "target_project_id": 1,
        }  # fmt: skip

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        path = re.sub(r"^/api/v\d", "", path)
        self.calls.append(f"{method} {path}")
        if self.away:
            return 503, {"message": "away"}
        if path == "/acme/shop.git/info/refs" and self.public:
            return 200, ADVERTISED
        for name, pattern in PATHS[self.provider].items():
            found = re.fullmatch(pattern, path)
            if found:
                return (403, {"message": "no rights"}) if name in self.refuses else self._of(name, method, found, body)
        return 404, {"message": f"nothing at {path}"}

    def _of(self, name: str, method: str, found: re.Match[str], body: Any) -> tuple[int, Any]:
        match name:
            case "user":
                return 200, USER
            case "repository":
                return 200, ADMIN
            case "requests":
                return 200, self.requests
            case "statuses":
                return 201, {}
        return self._stored(getattr(self, name), method, found.groupdict().get("id"), body)

    def _stored(self, rows: dict[str, Any], method: str, row_id: str | None, body: Any) -> tuple[int, Any]:
        if row_id is None and method == "GET":
            return 200, [{"id": int(key), **row} for key, row in rows.items()]
        if row_id is None:
            row_id = str(next(self._ids))
            rows[row_id] = body
            return 201, {"id": int(row_id), **body}
        if row_id not in rows:
            return 404, {"message": "not found"}
        if method == "DELETE":
            del rows[row_id]
            return 204, None
        rows[row_id] |= body
        return 200, {"id": int(row_id), **rows[row_id]}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        repository = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                path = unquote(urlsplit(self.path).path)
                status, body = repository.answer(self.command, path, json.loads(raw) if raw else None)
                sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                if isinstance(body, bytes):
                    self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names are http.server's

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    @contextmanager
    def serving(self) -> Iterator["HostedRepository"]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()
