"""docker-compose.yml as a user runs it: `up`, `exec`, `down`, with a project, ports and volumes of the test's own."""

import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.engine.buildkit.daemons import recipe
from tests.engine.installation import CHECKOUT, Installation, free_ports
from tests.engine.waiting import wait_until

OVERRIDE = CHECKOUT / "tests" / "engine" / "compose.unprivileged.yml"
SLIPYARD = ("python", "-P", "-m", "slipyard.cli")


@dataclass(frozen=True)
class ComposeStack:
    project: str
    program: Path
    installation: Installation

    def compose(self, *arguments: str, ok: bool = True) -> str:
        files = ("-f", str(CHECKOUT / "docker-compose.yml"), "-f", str(OVERRIDE))
        command = [self.program, "--project-name", self.project, *files, *arguments]
        environment = os.environ | self.installation.environment | {"COMPOSE_PROGRESS": "plain"}
        done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
        if ok and done.returncode != 0:
            raise AssertionError(f"docker compose {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout

    def slipyard(self, *arguments: str, ok: bool = True) -> str:
        """The command line inside a container of the stack."""
        return self.compose("exec", "-T", "controller", *SLIPYARD, *arguments, ok=ok)

    def up(self) -> None:
        """Returns when the API is ready, with the token where git and the client look for it."""
        self.compose("up", "--detach", "--no-build")
        wait_until(self._is_ready)
        token = self.compose("exec", "-T", "api", "cat", "/var/lib/slipyard/admin.token")
        (self.installation.home / "admin.token").write_text(token)

    def remove(self) -> None:
        """All that it ever made, as the guide says it."""
        self.compose("down")
        self.compose("run", "--rm", "-T", "controller", "down", "--purge", "--yes")
        self.compose("down", "--volumes")

    def running(self) -> set[str]:
        return set(self.compose("ps", "--services", "--status", "running").split())

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.installation.port}/readyz").is_success
        except httpx.TransportError:
            return False


def new_stack(home: Path, slipyard_image: str, buildkitd_image: str) -> ComposeStack:
    port, http_port, https_port, registry_port = free_ports(4)
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "slipyard.log").touch()
    environment = {
        "SLIPYARD_IMAGE": slipyard_image,
        "SLIPYARD_TEST_BUILDKITD": buildkitd_image,
        "SLIPYARD_PORT": str(port),
        "SLIPYARD_HTTP_PORT": str(http_port),
        "SLIPYARD_HTTPS_PORT": str(https_port),
        "SLIPYARD_REGISTRY_PORT": str(registry_port),
        "SLIPYARD_NETWORK_POOL": f"10.{100 + secrets.randbelow(100)}.0.0/16",
    }
    installation = Installation(home, port, http_port, environment)
    program = recipe("compose.sh") / "docker-compose"
    return ComposeStack(f"slipyard-test-{secrets.token_hex(3)}", program, installation)
