"""One question to an instance: does it answer? By plain streams, so that a probe costs no more than its packets."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from slipyard.domain.health import HealthCheck

Probe = Callable[[str, int, HealthCheck], Awaitable[str | None]]
"""Takes address, port and check; None is a good answer, a text is the complaint: "answered 500 on /healthz"."""

_MAXIMUM_STATUS_LINE = 1024


async def probe(address: str, port: int, check: HealthCheck) -> str | None:
    """HTTP 2xx or 3xx where the check has a path, else an accepted connection."""
    try:
        async with asyncio.timeout(check.timeout):
            return await _ask(address, port, check)
    except TimeoutError:
        return f"did not answer within {check.timeout:g} s"
    except OSError as error:
        return f"did not answer: {_reason(error)}"


async def _ask(address: str, port: int, check: HealthCheck) -> str | None:
    reader, writer = await asyncio.open_connection(address, port, limit=_MAXIMUM_STATUS_LINE)
    try:
        if check.path is None:
            return None
        writer.write(_request(check.path))
        return _complaint(check.path, await _status_line(reader))
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _request(path: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: slipyard-health\r\nConnection: close\r\n\r\n".encode()
    )


async def _status_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:  # longer than any status line
        return b""


def _complaint(path: str, status_line: bytes) -> str | None:
    version, _, rest = status_line.decode("latin-1").partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/") or not code.isdigit():
        return f"gave no HTTP answer on {path}"
    good = HTTPStatus.OK <= int(code) < HTTPStatus.BAD_REQUEST
    return None if good else f"answered {code} on {path}"


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
