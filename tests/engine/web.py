"""Small web servers and clients for tests of the router: every request is counted, and every failure is named."""

import asyncio
import ssl
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from tests.engine.polling import until


@dataclass
class Backend:
    """Answers every request with its name, over connections that are kept."""

    name: str
    address: str = ""
    hold: asyncio.Event | None = None
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self, port: int = 0) -> "Backend":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def stop(self) -> None:
        """As a container ends: nothing listens, and every connection is cut."""
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                if self.hold is not None:
                    await self.hold.wait()
                body = self.name.encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                await writer.drain()
        self._writers.discard(writer)
        writer.close()


@dataclass
class Answer:
    status: int
    body: str


async def get(port: int, host: str, path: str = "/", tls: ssl.SSLContext | None = None) -> Answer:
    name = host if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    raw = await reader.read()
    writer.close()
    head, _, body = raw.decode().partition("\r\n\r\n")
    return Answer(int(head.split(" ")[1]), body)


class Load:
    """Clients that ask one host again and again, until told to stop: over kept connections, and `fresh` ones over a new one
    for each request."""

    def __init__(self, port: int, host: str, clients: int = 4, fresh: int = 0) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.told_to_close = 0
        self._port, self._host = port, host
        self._over = False
        self._clients, self._fresh = clients, fresh

    async def __aenter__(self) -> Self:
        kept = [True] * self._clients + [False] * self._fresh
        self._tasks = [asyncio.create_task(self._ask_on(keep)) for keep in kept]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        await asyncio.gather(*self._tasks)

    @property
    def total(self) -> int:
        return self.answers.total() + self.failures.total()

    async def more(self, answers: int) -> None:
        """Waits until so many more requests were answered."""
        goal = self.total + answers

        async def reached() -> bool:
            return self.total >= goal

        await until(reached)

    async def _ask_on(self, keep: bool) -> None:
        while not self._over:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                await self._ask_over(reader, writer, keep)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures[repr(error)] += 1
            writer.close()

    async def _ask_over(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keep: bool) -> None:
        """Until the server says that it closes, and once where the connection is not kept."""
        while not self._over:
            writer.write(f"GET / HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].partition("\r\n")[0])
            status, body = int(head.split(" ")[1]), (await reader.readexactly(length)).decode()
            (self.answers if status == 200 else self.failures)[body if status == 200 else str(status)] += 1
            closing = "\r\nconnection: close" in head
            self.told_to_close += closing
            if closing or not keep:
                return
