"""Which process does what in an installation, and its sudden end. Rows are read past the API, which may be dead itself."""

import fcntl
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal

import docker

from slipyard.cli.up.identity import Identity
from slipyard.cli.up.service import SERVICE_NAMES, running_service
from slipyard.domain.layout import Layout
from slipyard.store.claims import Holder
from tests.engine.installation import Installation
from tests.engine.waiting import wait_until

Work = Literal["build", "deployment"]


def newest(home: Path, table: Work) -> dict[str, Any]:
    """The row that was written down last; empty where there is none."""
    with closing(sqlite3.connect(f"file:{home}/slipyard.db?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        row = database.execute(f"SELECT * FROM {table} ORDER BY id DESC LIMIT 1").fetchone()
    return dict(row) if row else {}


def intended_for(home: Path) -> str | None:
    """The deployment whose route is written down and not confirmed: its worker is between the two."""
    with closing(sqlite3.connect(f"file:{home}/slipyard.db?mode=ro", uri=True)) as database:
        row = database.execute("SELECT deployment_id FROM route WHERE NOT applied").fetchone()
    return row[0] if row else None


def kill_holder(home: Path, table: Work, when: Callable[[], object]) -> None:
    """SIGKILL for the worker that holds the newest row, once `when` is so."""
    wait_until(when)
    holder = wait_until(lambda: newest(home, table).get("claim_holder"))
    os.kill(Holder.parse(holder).pid, signal.SIGKILL)


def service_of(installation: Installation, name: str) -> Identity:
    """redis, registry or caddy."""
    service = running_service(Layout(installation.home), name)
    assert service is not None, f"{name} does not run"
    return service


def part_of(installation: Installation, name: str) -> int:
    """The process id of a part, found by its name and the directory that it works for."""
    for directory in Path("/proc").iterdir():
        if directory.name.isdecimal() and _is_part(directory, installation, name):
            return int(directory.name)
    raise AssertionError(f"{name} does not run")


def _is_part(directory: Path, installation: Installation, name: str) -> bool:
    try:
        comm = (directory / "comm").read_text().strip()
        environment = (directory / "environ").read_bytes()
    except OSError:
        return False
    return comm == name and f"SLIPYARD_HOME={installation.home}\0".encode() in environment


@contextmanager
def no_route_switches(home: Path) -> Iterator[None]:
    """Holds the lock under which routes are renamed: a worker stands still between its intent and the rename."""
    descriptor = os.open(home / "routes", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def no_rows_written(home: Path) -> Iterator[None]:
    """Holds the database's write lock: what a worker did outside stands, and it cannot say so."""
    with closing(sqlite3.connect(home / "slipyard.db", isolation_level=None, timeout=30)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


def supervisor_of(slipyard: Installation) -> Identity:
    found = Identity.read(slipyard.home / "run" / "supervisor.pid")
    assert found is not None
    return found


def services_of(slipyard: Installation) -> list[Identity]:
    return [service_of(slipyard, name) for name in SERVICE_NAMES]


def kill(process: Identity) -> None:
    process.send(signal.SIGKILL)
    wait_until(lambda: not process.is_running())


def power_failure(slipyard: Installation, *containers: str) -> None:
    """Every process and these containers die; none is asked to end."""
    for process in (supervisor_of(slipyard), *services_of(slipyard)):
        kill(process)
    with closing(docker.from_env()) as engine:
        for container in containers:
            engine.api.kill(container)
