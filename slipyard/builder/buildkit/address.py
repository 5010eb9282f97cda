"""Where a daemon listens, and the raw connection to it."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from slipyard.domain.errors import Unavailable, ValidationFailed

# A machine that vanished is noticed after KEEPALIVE_IDLE + KEEPALIVE_PROBES * KEEPALIVE_INTERVAL seconds.
KEEPALIVE_IDLE = 15
KEEPALIVE_INTERVAL = 5
KEEPALIVE_PROBES = 4
CONNECT_SECONDS = 10.0

P = TypeVar("P", bound=asyncio.BaseProtocol)


@dataclass(frozen=True)
class Address:
    """Either `path` of a unix socket, or `host` and `port`."""

    text: str
    path: str | None = None
    host: str = ""
    port: int = 0


def parse_address(text: str, *, default_port: int) -> Address:
    """`unix:///path` or `tcp://host[:port]`; `ValidationFailed` for anything else."""
    try:
        parts = urlsplit(text)
        port = parts.port or default_port
    except ValueError:
        raise _refused(text) from None
    if parts.scheme == "unix" and parts.path:
        return Address(text, path=parts.netloc + parts.path)
    if parts.scheme == "tcp" and parts.hostname:
        return Address(text, host=parts.hostname, port=port)
    raise _refused(text)


def _refused(text: str) -> ValidationFailed:
    return ValidationFailed(
        f"The builder's address {text!r} is not understood: it must be unix:///path or tcp://host:port. "
        "Correct SLIPYARD_BUILDKIT_HOST or SLIPYARD_DOCKER_HOST."
    )


async def open_connection(address: Address, factory: Callable[[], P], tls: ssl.SSLContext | None = None) -> P:
    """`Unavailable` where nobody answers there."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await _connect(address, factory, tls)
    except (OSError, TimeoutError) as error:
        raise Unavailable(
            f"BuildKit does not answer at {address.text}: {error or 'no answer in time'}. "
            "Check that the daemon runs and that this user may connect to it."
        ) from error


async def _connect(address: Address, factory: Callable[[], P], tls: ssl.SSLContext | None) -> P:
    loop = asyncio.get_running_loop()
    if address.path is not None:
        return (await loop.create_unix_connection(factory, address.path))[1]
    transport, protocol = await loop.create_connection(factory, address.host, address.port, ssl=tls)
    _keep_alive(transport.get_extra_info("socket"))
    return protocol


def _keep_alive(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
