"""A server that speaks the part of Vault's HTTP API that we use, as its documentation says: KV version 2, and tokens."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hvs.the-token"


@dataclass
class Vault:
    """`secrets` by path below the mount `secret`; `answers` is what each request asked and the status it got."""

    url: str = ""
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    sealed: bool = False
    sealed_for: int = 0  # so many requests
    lifetime: int = 0
    left: int = 0
    renewed: int = 0
    namespace: str | None = None
    answers: list[tuple[str, int]] = field(default_factory=list)


@contextmanager
def vault_server() -> Iterator[Vault]:
    vault = Vault()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, vault))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    vault.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield vault
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, vault: Vault, *arguments: Any) -> None:
        self.vault = vault
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def _answer(self) -> None:
        status, body = self._judge()
        self.vault.answers.append((f"{self.command} {self.path}", status))
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _judge(self) -> tuple[int, dict[str, Any]]:
        vault = self.vault
        if vault.sealed or vault.sealed_for:
            vault.sealed_for = max(0, vault.sealed_for - 1)
            return 503, {"errors": ["Vault is sealed"]}
        if self.headers.get("X-Vault-Token") != TOKEN or self.headers.get("X-Vault-Namespace") != vault.namespace:
            return 403, {"errors": ["permission denied"]}
        if self.path == "/v1/auth/token/lookup-self":
            return 200, {"data": {"creation_ttl": vault.lifetime, "ttl": vault.left, "renewable": vault.lifetime > 0}}
        if (self.command, self.path) == ("POST", "/v1/auth/token/renew-self"):
            vault.renewed, vault.left = vault.renewed + 1, vault.lifetime
            return 200, {"auth": {"lease_duration": vault.lifetime, "renewable": True}}
        return self._secret(self.path.removeprefix("/v1/secret/data/"))

    def _secret(self, path: str) -> tuple[int, dict[str, Any]]:
        if path in self.vault.deleted:
            return 404, {"data": {"data": None, "metadata": {"version": 1, "deletion_time": "2026-01-01T00:00:00Z"}}}
        if path not in self.vault.secrets:
            return 404, {"errors": []}
        return 200, {"data": {"data": self.vault.secrets[path], "metadata": {"version": 1, "destroyed": False}}}

    def log_message(self, *_: Any) -> None: ...
