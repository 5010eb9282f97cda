"""One API process over SQLite and a Redis of its own, without engine, workers or controller: what takes webhooks and no more."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from slipyard.domain.settings import Settings
from slipyard.store.installation import open_installation

CHECKOUT = Path(__file__).parents[1]
_DEADLINE_SECONDS = 60


@dataclass
class OneApi:
    home: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def redis_socket(self) -> Path:
        return self.home / "run" / "redis.sock"

    @property
    def database(self) -> Path:
        return self.home / "slipyard.db"

    def client(self) -> httpx.Client:
        token = (self.home / "admin.token").read_text().strip()
        return httpx.Client(base_url=f"{self.url}/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def settings(self) -> Settings:
        return Settings(home=self.home, port=self.port, registry_url="127.0.0.1:9")

    def start_api(self) -> None:
        environment = os.environ | {
            "SLIPYARD_HOME": str(self.home),
            "SLIPYARD_PORT": str(self.port),
            "SLIPYARD_REGISTRY_URL": "127.0.0.1:9",
            "PYTHONPATH": str(CHECKOUT),
        }
        command = [sys.executable, "-c", "from slipyard.api.serve import main; main()"]
        with (self.home / "api.log").open("ab") as log:
            self.processes["api"] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def start_redis(self) -> None:
        program = shutil.which("redis-server") or shutil.which("valkey-server")
        assert program, "a redis-server is needed"
        self.redis_socket.parent.mkdir(exist_ok=True)
        options = ["--port", "0", "--unixsocket", str(self.redis_socket), "--dir", str(self.home), "--save", ""]
        self.processes["redis"] = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)

    def kill(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def wait_ready(self) -> None:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, (self.home / "api.log").read_text()[-2000:]
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    def make_hook(self, app: str) -> tuple[str, bytes]:
        """The path and the secret of a GitHub webhook of a new app, which follows `main` of some repository."""
        source = {"repo_url": f"https://github.com/{secrets.token_hex(4)}/{app}.git", "branch": "main"}
        with self.client() as client:
            client.post("/apps", json={"name": app, "deploy": False, **source}).raise_for_status()
            made = client.post(f"/apps/{app}/webhooks", json={"provider": "github"}).raise_for_status().json()
        return made["url"].removeprefix(self.url), made["secret"].encode()


@contextmanager
def one_api() -> Iterator[OneApi]:
    with tempfile.TemporaryDirectory(prefix="slipyard-webhooks-") as directory:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        api = OneApi(Path(directory), port)
        open_installation(api.settings()).database.dispose()
        try:
            api.start_redis()
            api.start_api()
            api.wait_ready()
            yield api
        finally:
            for process in api.processes.values():
                process.kill()
                process.wait()
