"""One installation, one supervisor: a lock that the kernel gives back when its holder dies."""

import fcntl
import json
import os
from dataclasses import asdict
from pathlib import Path

from slipyard.cli.up.identity import Identity
from slipyard.domain.errors import Conflict
from slipyard.domain.layout import Layout


def lock_path(layout: Layout) -> Path:
    return layout.run / "supervisor.pid"


def take_lock(layout: Layout) -> int:
    """The descriptor that holds the lock. `Conflict` where another supervisor runs."""
    path = lock_path(layout)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise _already_running(layout) from None
    sign_lock(descriptor)
    return descriptor


def sign_lock(descriptor: int) -> None:
    """Writes who holds it."""
    me = Identity.of(os.getpid())
    record = json.dumps(asdict(me)) if me else ""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, record.encode(), 0)


def running_supervisor(layout: Layout) -> Identity | None:
    holder = Identity.read(lock_path(layout))
    return holder if holder is not None and holder.is_running() else None


def _already_running(layout: Layout) -> Conflict:
    holder = Identity.read(lock_path(layout))
    who = f"as process {holder.pid}" if holder else "in another process"
    return Conflict(
        f"Slipyard already runs for {layout.home} {who}. Stop it with `slipyard down`, or set SLIPYARD_HOME to start a"
        " second installation."
    )
