"""Once all parts are ready the supervisor becomes the keeper: the same process, without what it loaded to fork them.

What only the supervisor still held of that was 30 MiB, for nothing but the case that a part dies. The keeper then starts
one by itself, which takes two to four seconds more.
"""

import dataclasses
import functools
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from slipyard.cli.up.bare import bare_command, become
from slipyard.cli.up.child import Child
from slipyard.cli.up.event_log import EventLog
from slipyard.cli.up.fork import Program, fork_function, fork_part, fork_program
from slipyard.cli.up.identity import Identity
from slipyard.cli.up.listening import ListeningSockets
from slipyard.cli.up.log_sink import LogSink
from slipyard.cli.up.prctl import name_process
from slipyard.cli.up.reclaim import reclaim_program
from slipyard.cli.up.supervisor import SIGNALS, Stage, Supervisor

_SETTLED_SECONDS = 3.0


@dataclass(frozen=True)
class KeptService:
    """A program as `fork_program` takes it; `sockets` are our descriptors by port."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    pid_file: str
    log: str
    made_from: str
    ports: dict[str, int]
    sockets: dict[str, int]

    def child(self) -> Child:
        sockets = ListeningSockets({int(number): port for number, port in self.ports.items()}) if self.ports else None
        if sockets is not None:
            sockets.take({int(port): descriptor for port, descriptor in self.sockets.items()})
        program = Program(
            command=self.command,
            environment=self.environment,
            pid_file=Path(self.pid_file),
            log=Path(self.log),
            made_from=self.made_from,
            sockets=sockets,
        )
        start, pid_file = functools.partial(fork_program, program), Path(self.pid_file)
        return Child(self.name, lambda _output: start(), adopt=lambda: _running(Identity.read(pid_file)), outlives=True)


@dataclass(frozen=True)
class Kept:
    """All that the keeper is told. `log` is None in the foreground; `parts` have their process or None; `output` is a pipe."""

    log: str | None
    lock: int
    output: tuple[int, int]
    parts: dict[str, dict[str, Any] | None]
    services: Sequence[KeptService]
    fresh: Sequence[str]
    stages: Sequence[tuple[Sequence[str], float]]


def become_keeper(kept: Kept) -> NoReturn:
    """Call it with signals blocked. `OSError` where the interpreter is not there any more."""
    note = os.memfd_create("kept", 0)
    os.write(note, json.dumps(dataclasses.asdict(kept)).encode())
    for descriptor in (kept.lock, *kept.output, *_sockets(kept)):
        os.set_inheritable(descriptor, True)
    try:
        become("slipyard.cli.up.keep:main", str(note))
    finally:
        os.close(note)


def main(note: str) -> None:
    """Until it is told to end."""
    name_process("slipyard")
    _resume(_read(int(note))).run()
    sys.exit(0)


def _read(note: int) -> Kept:
    os.lseek(note, 0, os.SEEK_SET)
    with os.fdopen(note, "rb") as file:
        told = json.load(file)
    services = [KeptService(**service) for service in told.pop("services")]
    reader, writer = told.pop("output")
    return Kept(**told, services=services, output=(reader, writer))


def _resume(kept: Kept) -> Supervisor:
    for descriptor in (kept.lock, *kept.output, *_sockets(kept)):
        os.set_inheritable(descriptor, False)
    sink = LogSink(Path(kept.log) if kept.log else None)
    stages = [Stage(frozenset(names), grace) for names, grace in kept.stages]
    supervisor = Supervisor(sink, EventLog(sink), stages, output=kept.output)
    supervisor.listen()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # before anything is started, which would have them blocked too
    for service in kept.services:
        supervisor.add(service.child())
    for name, process in kept.parts.items():
        supervisor.add(_part(name, Identity(**process) if process else None))
    supervisor.add(_reclaim(kept, supervisor))
    return supervisor


def _reclaim(kept: Kept, supervisor: Supervisor) -> Child:
    """A second time, once the services have been told what they are to do: that took most of what their start took."""
    pid_files = [Path(service.pid_file) for service in kept.services if service.name in kept.fresh]

    def run() -> None:
        time.sleep(_SETTLED_SECONDS)
        for identity in map(Identity.read, pid_files):
            if identity is not None and identity.is_running():
                reclaim_program(identity.pid)

    close = (*supervisor.private_descriptors, kept.lock, *_sockets(kept))
    return Child(
        "reclaim", lambda output: fork_function(run, name="reclaim", output=output, close=close), comes_back=False
    )


def _part(name: str, process: Identity | None) -> Child:
    command = bare_command("slipyard.cli.up.once_more:main", name)
    return Child(name, functools.partial(fork_part, command), adopt=lambda: _running(process))


def _running(process: Identity | None) -> Identity | None:
    return process if process is not None and process.is_running() else None


def _sockets(kept: Kept) -> list[int]:
    return [descriptor for service in kept.services for descriptor in service.sockets.values()]
