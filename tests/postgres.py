"""A PostgreSQL of our own: in a temporary directory, on a unix socket, without a port, for as long as the tests run."""

import atexit
import os
import secrets
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

# Nothing of it outlives the tests, so it writes no more than it must.
_SETTINGS = (
    "listen_addresses=''",
    "max_connections=60",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
)
_UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root


def postgres_url(template: str = "template1") -> str:
    """The URL of a new database, empty or a copy of `template`. One server serves the whole test session."""
    name = f"test_{secrets.token_hex(4)}"
    _ask(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")  # a third quicker than by its log
    return f"postgresql+psycopg://slipyard@/{name}?host={_server()}"


def drop_postgres(url: str) -> None:
    """Each takes 8 MB of what is memory on most machines, and there are a thousand tests."""
    _ask(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


def _ask(statement: str) -> None:
    with psycopg.connect(host=str(_server()), user="slipyard", dbname="postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


@cache
def _server() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="slipyard-pg-"))
    user = _UNPRIVILEGED if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(directory, user)
    data = directory / "data"
    _run(user, _program("initdb"), "-D", data, "-U", "slipyard", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
    options = " ".join(f"-c {each}" for each in (*_SETTINGS, f"unix_socket_directories={directory}"))
    control = _program("pg_ctl")
    _run(user, control, "-D", data, "-l", directory / "log", "-o", options, "-w", "start")
    atexit.register(_stop, user, control, directory)
    return directory


def _stop(user: str | None, control: Path, directory: Path) -> None:
    _run(user, control, "-D", directory / "data", "-m", "immediate", "-w", "stop")
    shutil.rmtree(directory)


def _program(name: str) -> Path:
    """Debian keeps the server's programs out of PATH."""
    on_path = shutil.which(name)
    found = [Path(on_path)] if on_path else sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if not found:
        raise RuntimeError(f"PostgreSQL's {name} was not found: install the package `postgresql` to run these tests.")
    return found[0].resolve()


def _run(user: str | None, *arguments: str | Path) -> None:
    done = subprocess.run(
        arguments, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {done.stderr}")
