"""Visitors over TLS who ask again and again over connections that stay, and count what they got."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class TlsVisitors:
    port: int
    host: str
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def visit(self) -> None:
        """A connection that is told to close is left, and one that closes before an answer begins is asked over again, as
        browsers do (RFC 9112, 9.3.1); one that breaks within an answer, or twice, is a failure."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        broken = 0
        while not self.over.is_set():
            try:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self.port, ssl=context, server_hostname=self.host
                )
                while not self.over.is_set() and await self._ask(reader, writer):
                    broken = 0
                writer.close()
            except (OSError, asyncio.IncompleteReadError) as error:
                broken += 1
                if broken > 1 or (isinstance(error, asyncio.IncompleteReadError) and error.partial):
                    self.failures.append(repr(error))

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(f"GET / HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length:")[2].partition("\r\n")[0]))
        if " 200 " in head.partition("\r\n")[0]:
            self.answered += 1
        else:
            self.failures.append(head.partition("\r\n")[0])
        return "\r\nconnection: close" not in head


@asynccontextmanager
async def visiting(port: int, host: str, visitors: int = 4) -> AsyncIterator[TlsVisitors]:
    visits = TlsVisitors(port, host)
    tasks = [asyncio.create_task(visits.visit()) for _ in range(visitors)]
    try:
        yield visits
    finally:
        visits.over.set()
        await asyncio.gather(*tasks)
