"""The private queue server: a unix socket, an append-only file, no port."""

import shutil
import socket
from pathlib import Path

from slipyard.cli.up.service import Service
from slipyard.domain.errors import Unavailable, UserError
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings

_SOCKET_PATH_BYTES = 107  # sun_path of unix(7), less its terminator


def redis_service(settings: Settings, layout: Layout) -> Service | None:
    """None where the queue is a server elsewhere."""
    if settings.redis_url is not None:
        return None
    _check_socket_path(layout.redis_socket)
    data = layout.home / "redis"
    data.mkdir(mode=0o700, exist_ok=True)
    return Service("redis", _command(data, layout), layout, answers=lambda: _pongs(layout.redis_socket))


def _command(data: Path, layout: Layout) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(layout.redis_socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "save": "",
        "daemonize": "no",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "hz": "1",  # how often it wakes up to do nothing
    }
    return [_program(), *(word for name, value in options.items() for word in (f"--{name}", value))]


def _program() -> str:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        raise Unavailable(
            "Neither redis-server nor valkey-server is on PATH, so there is nothing to run the queue on. Install one of"
            " them, or set SLIPYARD_REDIS_URL to a server of yours."
        )
    return found


def _check_socket_path(path: Path) -> None:
    if len(str(path).encode()) > _SOCKET_PATH_BYTES:
        raise UserError(
            f"{path} is too long for a unix socket, which may have {_SOCKET_PATH_BYTES} bytes. Set SLIPYARD_HOME to a"
            " shorter directory."
        )


def _pongs(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
