"""One question to an instance over the network. By plain streams, so that a probe costs no more than its packets."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress

from slipyard.domain.health import HealthCheck, HealthType

Probe = Callable[[str, int, HealthCheck], Awaitable[str | None]]
"""Takes address, port and check; None is a good answer, a text is the complaint: "answered 500 on /healthz"."""

_MAXIMUM_STATUS_LINE = 1024
_REDIRECTS = range(300, 400)


async def probe(address: str, port: int, check: HealthCheck) -> str | None:
    """An expected status where the check is http, else an accepted connection."""
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
        if check.kind is not HealthType.HTTP:
            return None
        writer.write(_request(check))
        return _complaint(check, await _status_line(reader))
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _request(check: HealthCheck) -> bytes:
    ours = {"host": "Host: localhost", "user-agent": "User-Agent: slipyard-health"}
    told = {name.lower(): f"{name}: {value}" for name, value in check.headers.items()}
    lines = [f"GET {check.path or '/'} HTTP/1.1", *(ours | told | {"connection": "Connection: close"}).values(), "", ""]
    return "\r\n".join(lines).encode()


async def _status_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:  # longer than any status line
        return b""


def _complaint(check: HealthCheck, status_line: bytes) -> str | None:
    path = check.path or "/"
    version, _, rest = status_line.decode("latin-1").partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/") or not code.isdigit():
        return f"gave no HTTP answer on {path}"
    if check.expects(int(code)):
        return None
    leads = " (a redirect: set the check's path to a page that answers itself, or its expected_status)"
    return f"answered {code} on {path}{leads if int(code) in _REDIRECTS else ''}, expected {check.expected_status}"


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)
