"""An asyncio transport whose wire is a stream of messages: HTTP/2 inside HTTP/2."""

import asyncio
from typing import Any, Protocol

# Daemons take messages under 4 MiB. The writer is paused at PENDING_LIMIT, and one frame may stand above it.
PENDING_LIMIT = 1024 * 1024


class ByteStream(Protocol):
    async def send(self, data: bytes) -> None: ...

    async def receive(self) -> bytes | None:
        """None at the end of the stream."""


class NestedTransport(asyncio.Transport):
    """Collects what the protocol above writes; `carry` is the only one who sends it, so messages never interleave."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._written = asyncio.Event()
        self._closing = False
        self._paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        self._pending.append(bytes(data))
        self._pending_bytes += len(data)
        self._written.set()
        if self._pending_bytes >= PENDING_LIMIT and not self._paused:
            self._paused = True
            self._protocol.pause_writing()

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True
        self._written.set()

    def abort(self) -> None:
        self.close()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 - asyncio's signature
        return default

    async def take(self) -> bytes:
        """All that was written since the last call, once there is something; empty after the end."""
        await self._written.wait()
        data = b"".join(self._pending)
        self._pending.clear()
        self._pending_bytes = 0
        if not self._closing:
            self._written.clear()
        return data

    def taken(self) -> None:
        """What `take` gave is sent: the protocol may write on."""
        if self._paused:
            self._paused = False
            self._protocol.resume_writing()


async def carry(stream: ByteStream, protocol: asyncio.Protocol) -> None:
    """Runs `protocol` on `stream` until either side ends it, then tells the protocol that its connection is lost."""
    transport = NestedTransport(protocol)
    protocol.connection_made(transport)
    halves = [asyncio.create_task(_send_all(stream, transport)), asyncio.create_task(_receive_all(stream, protocol))]
    try:
        await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
    finally:
        transport.close()
        protocol.connection_lost(None)
        for half in halves:
            half.cancel()
        await asyncio.gather(*halves, return_exceptions=True)


async def _send_all(stream: ByteStream, transport: NestedTransport) -> None:
    while data := await transport.take():
        await stream.send(data)
        transport.taken()


async def _receive_all(stream: ByteStream, protocol: asyncio.Protocol) -> None:
    while (data := await stream.receive()) is not None:
        protocol.data_received(data)
