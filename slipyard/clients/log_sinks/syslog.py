"""Syslog as RFC 5424 writes a message; over UDP one to a datagram (RFC 5426), over TCP and TLS counted (RFC 6587, RFC 5425).

Syslog acknowledges nothing: what is on its way when a connection breaks may be lost, and nobody can count it.
"""

import asyncio
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from slipyard.clients.resolve_host import resolve_host
from slipyard.domain.drain import DrainLine
from slipyard.domain.errors import SourceRefused, Unavailable
from slipyard.domain.network_rules import Network, check_host, is_allowed

Transport = Literal["udp", "tcp", "tls"]
_URL = re.compile(
    r"syslog\+(?P<transport>udp|tcp|tls)://(?P<host>\[[^\]/?#]+\]|[^:/?#\[\]@]+)(?::(?P<port>[0-9]{1,5}))?/?"
)
_PORTS: dict[str, int] = {"udp": 514, "tcp": 601, "tls": 6514}
_SEVERITY = {"stdout": 6, "stderr": 3}
_USER_FACILITY = 1
_MOST_BYTES = {"udp": 8192, "tcp": 65536, "tls": 65536}
_SECONDS = 10.0
_NAME = re.compile(r"[^!-~]")


@dataclass(frozen=True)
class SyslogUrl:
    transport: Transport
    host: str
    port: int


class SyslogSink:
    def __init__(self, url: SyslogUrl, host: str, allowed_networks: Sequence[Network] = ()) -> None:
        self._url = url
        self._host = host
        self._allowed = allowed_networks
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, lines: Sequence[DrainLine]) -> None:
        messages = [syslog_message(line, self._host)[: _MOST_BYTES[self._url.transport]] for line in lines]
        try:
            async with asyncio.timeout(_SECONDS):
                await (self._send_datagrams(messages) if self._url.transport == "udp" else self._write(messages))
        except (OSError, TimeoutError) as error:
            await self.close()
            where = f"{self._url.host}:{self._url.port}"
            raise Unavailable(
                f"The syslog server {where} does not take lines ({type(error).__name__}: {error}). It is tried again."
            ) from error

    async def close(self) -> None:
        if self._stream is not None:
            self._stream[1].transport.abort()
            self._stream = None

    async def _write(self, messages: Sequence[bytes]) -> None:
        _, writer = await self._connected()
        writer.write(b"".join(b"%d %s" % (len(message), message) for message in messages))
        await writer.drain()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A server that has gone says so before the next batch, at best."""
        if self._stream is not None and (self._stream[0].at_eof() or self._stream[1].is_closing()):
            await self.close()
        if self._stream is None:
            tls = _system_trust() if self._url.transport == "tls" else None
            named = self._url.host if tls else None
            self._stream = await asyncio.open_connection(
                await self._address(), self._url.port, ssl=tls, server_hostname=named
            )
        return self._stream

    async def _send_datagrams(self, messages: Sequence[bytes]) -> None:
        address = (await self._address(), self._url.port)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=address
        )
        try:
            for message in messages:
                transport.sendto(message)
        finally:
            transport.close()

    async def _address(self) -> str:
        """Output may hold anything, so it goes in the clear only where an operator opened the network."""
        addresses = await resolve_host(self._url.host, self._url.port, self._allowed)
        if self._url.transport != "tls" and not all(is_allowed(address, self._allowed) for address in addresses):
            raise SourceRefused(
                f"{self._url.host} is not in an allowed network, so it gets nothing in the clear. Use syslog+tls."
            )
        return str(addresses[0])


def parse_syslog_url(text: str) -> SyslogUrl:
    found = _URL.fullmatch(text)
    if found is None:
        raise SourceRefused(
            "This is not the address of a syslog server. Write it as syslog+tls://host:6514, or +tcp, +udp."
        )
    transport: Transport = found["transport"]  # type: ignore[assignment]
    return SyslogUrl(transport, check_host(found["host"].strip("[]")), int(found["port"] or _PORTS[transport]))


def syslog_message(line: DrainLine, host: str) -> bytes:
    """`<PRI>VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`. Line breaks inside are blanks."""
    priority = _USER_FACILITY * 8 + _SEVERITY.get(line.stream, 6)
    moment = line.at.isoformat().replace("+00:00", "Z")
    process = f"{line.service}.{line.instance_id[-8:]}"
    head = f"<{priority}>1 {moment} {_named(host, 255)} {_named(line.app, 48)} {_named(process, 128)} {line.stream} - "
    return (head + line.message.replace("\n", " ")).encode(errors="replace")


def _named(text: str, most: int) -> str:
    return _NAME.sub("_", text)[:most] or "-"


@cache
def _system_trust() -> ssl.SSLContext:
    return ssl.create_default_context()
