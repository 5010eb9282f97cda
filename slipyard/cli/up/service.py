"""A service: another program that an installation stands on, adopted where it survived an earlier supervisor."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipyard.cli.up.child import Child
from slipyard.cli.up.fork import Program, fork_program
from slipyard.cli.up.identity import Identity
from slipyard.cli.up.listening import ListeningSockets
from slipyard.cli.up.stop import stop
from slipyard.domain.layout import Layout

STOP_SECONDS = 20.0
SERVICE_NAMES = ("redis", "registry", "caddy")
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Service:
    name: str
    command: Sequence[str]
    layout: Layout
    answers: Callable[[], bool]
    configuration: str = ""  # what it reads besides its command: another one means another process
    environment: Mapping[str, str] | None = None
    sockets: ListeningSockets | None = None  # passed on at each start; those of another port mean another process

    @property
    def made_from(self) -> str:
        sockets = [] if self.sockets is None else [self.sockets.description]
        return hashlib.sha256("\0".join([*self.command, self.configuration, *sockets]).encode()).hexdigest()[:16]

    def program(self) -> Program:
        inherited = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return Program(
            command=self.command,
            environment={**inherited, **(self.environment or {})},
            pid_file=service_pid_file(self.layout, self.name),
            log=self.layout.logs / f"{self.name}.log",
            made_from=self.made_from,
            sockets=self.sockets,
        )

    def survivor(self) -> Identity | None:
        """The one that runs already; one that was started in another way is ended, and None."""
        running = running_service(self.layout, self.name)
        if running is None or running.made_from == self.made_from:
            return running
        stop(running, within=STOP_SECONDS)
        return None

    def child(self) -> Child:
        program = self.program()
        return Child(self.name, start=lambda _output: fork_program(program), adopt=self.survivor, outlives=True)


def service_pid_file(layout: Layout, name: str) -> Path:
    return layout.run / f"{name}.pid"


def running_service(layout: Layout, name: str) -> Identity | None:
    recorded = Identity.read(service_pid_file(layout, name))
    return recorded if recorded is not None and recorded.is_running() else None
