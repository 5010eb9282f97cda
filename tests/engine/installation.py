"""A whole Slipyard for tests: its own directory, ports and networks, started and purged by the commands that people use."""

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.engine.waiting import wait_until

CHECKOUT = Path(__file__).parent.parent.parent
OVER = {"active", "superseded", "failed", "cancelled", "rolled_back"}


@dataclass(frozen=True)
class Installation:
    home: Path
    port: int
    http_port: int
    environment: dict[str, str]

    @property
    def token(self) -> str:
        return (self.home / "admin.token").read_text().strip()

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}/v1", headers=headers, timeout=60)

    def slipyard(self, *arguments: str, cwd: Path | None = None, ok: bool = True) -> str:
        """What the command prints. With `ok` false its failure is what the test is about: output and errors together."""
        command = [sys.executable, "-m", "slipyard.cli", *arguments]
        environment = os.environ | self.environment | {"PYTHONPATH": str(CHECKOUT)}
        done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
        if ok and done.returncode != 0:
            raise AssertionError(
                f"slipyard {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}"
            )
        return done.stdout if ok else done.stdout + done.stderr

    def git_push(self, repository: Path, slug: str, *refspecs: str, ok: bool = True) -> str:
        """What a developer sees. The token goes through the environment, as a credential helper would hand it over."""
        url = f"http://127.0.0.1:{self.port}/git/{slug}.git"
        helper = "!f() { echo username=x; echo password=$SLIPYARD_TEST_TOKEN; }; f"
        command = ["git", "-c", f"credential.helper={helper}", "push", url, *(refspecs or ("main",))]
        environment = os.environ | {"SLIPYARD_TEST_TOKEN": self.token, "GIT_TERMINAL_PROMPT": "0"}
        done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
        if ok and done.returncode != 0:
            raise AssertionError(f"git push ended with {done.returncode}: {done.stderr}\n{self.faults()}")
        return done.stderr

    def faults(self) -> str:
        """What Slipyard itself complained of, for the message of a failed test."""
        lines = (self.home / "logs" / "slipyard.log").read_text().splitlines()
        return "\n".join([line for line in lines if '"level": "error"' in line][-5:])

    def answer(self, slug: str, path: str = "/") -> httpx.Response:
        """What the world sees of an app, through the router."""
        return httpx.get(f"http://127.0.0.1:{self.http_port}{path}", headers={"Host": f"{slug}.localhost"}, timeout=30)

    def deployment(self, slug: str, deployment_id: str) -> dict[str, Any]:
        with self.client() as client:
            return client.get(f"/apps/{slug}/deployments/{deployment_id}").raise_for_status().json()

    def wait_over(self, slug: str, deployment_id: str) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            row = self.deployment(slug, deployment_id)
            return row if row["status"] in OVER else None

        return wait_until(over)

    def wait(self, condition: Callable[[], Any]) -> Any:
        return wait_until(condition)


def start_installation(home: Path, **settings: str) -> Installation:
    port, http_port, https_port, registry_port = free_ports(4)
    environment = {
        "SLIPYARD_HOME": str(home),
        "SLIPYARD_PORT": str(port),
        "SLIPYARD_HTTP_PORT": str(http_port),
        "SLIPYARD_HTTPS_PORT": str(https_port),
        "SLIPYARD_REGISTRY_PORT": str(registry_port),
        "SLIPYARD_NETWORK_POOL": f"10.{221 + secrets.randbelow(30)}.0.0/16",
        "SLIPYARD_DRAIN_SECONDS": "2",
        "SLIPYARD_LEASE_SECONDS": "8",
        "SLIPYARD_POLL_SECONDS": "0",  # a test says itself when somebody looks
        "SLIPYARD_ALLOWED_NETWORKS": json.dumps(["127.0.0.0/8"]),
        **settings,
    }
    installation = Installation(home, port, http_port, environment)
    installation.slipyard("up", "--detach")
    return installation


def purge_installation(installation: Installation) -> None:
    installation.slipyard("down", "--purge", "--yes")


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
