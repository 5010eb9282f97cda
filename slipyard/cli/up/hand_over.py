"""What the supervisor tells the keeper that it becomes once everything runs."""

import signal
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from slipyard.cli.up.event_log import EventLog
from slipyard.cli.up.identity import Identity
from slipyard.cli.up.keep import Kept, KeptService, become_keeper
from slipyard.cli.up.parts import WORKER, Part
from slipyard.cli.up.service import Service
from slipyard.cli.up.supervisor import SIGNALS, Stage, Supervisor
from slipyard.cli.up.watch_start import StartWatch

API_GRACE, WORKER_GRACE = 20.0, 30.0


@dataclass(frozen=True)
class Started:
    lock: int
    log: EventLog
    supervisor: Supervisor
    watch: StartWatch
    parts: Sequence[Part]
    services: Sequence[Service]
    fresh: Sequence[str]  # services that were started now


def hand_over(started: Started, log_file: Path | None) -> None:
    """Returns only where the keeper could not be started, or somebody wants all of it to end. Signals wait meanwhile."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        if not started.supervisor.was_told_to_end():
            become_keeper(_kept(started, log_file))
    except OSError as error:
        started.log.warning("no_keeper", error=str(error))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def stages_of(parts: Sequence[Part]) -> list[Stage]:
    """First nobody is let in and the loops end, then work is given back."""
    workers = frozenset(part.name for part in parts if part.name.startswith(WORKER))
    return [Stage(frozenset({"api"}), API_GRACE), Stage(workers, WORKER_GRACE)]


def _kept(started: Started, log_file: Path | None) -> Kept:
    identities = {part.name: _identity(started.supervisor.pid_of(part.name)) for part in started.parts}
    return Kept(
        log=str(log_file) if log_file else None,
        lock=started.lock,
        output=started.supervisor.pipe,
        parts={name: asdict(identity) if identity else None for name, identity in identities.items()},
        services=[_service(service) for service in started.services],
        fresh=list(started.fresh),
        stages=[(sorted(stage.names), stage.grace) for stage in stages_of(started.parts)],
    )


def _service(service: Service) -> KeptService:
    program, sockets = service.program(), service.sockets
    return KeptService(
        name=service.name,
        command=list(program.command),
        environment=dict(program.environment),
        pid_file=str(program.pid_file),
        log=str(program.log),
        made_from=program.made_from,
        ports={str(number): port for number, port in sockets.ports.items()} if sockets else {},
        sockets={str(port): descriptor for port, descriptor in sockets.by_port.items()} if sockets else {},
    )


def _identity(pid: int | None) -> Identity | None:
    return None if pid is None else Identity.of(pid)
