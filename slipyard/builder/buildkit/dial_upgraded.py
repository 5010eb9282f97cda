"""gRPC through `POST /grpc` of Docker Engine up to 29.1: HTTP/1.1, answered 101, then HTTP/2 on the same connection."""

import asyncio
from typing import cast

from grpclib.protocol import H2Protocol

from slipyard.builder.buildkit.address import Address, open_connection
from slipyard.builder.buildkit.channel import Dial, ProtocolFactory
from slipyard.domain.errors import Unavailable

REQUEST = b"POST /grpc HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n"
ANSWER_LIMIT = 64 * 1024
ANSWER_SECONDS = 10.0


def dial_upgraded(address: Address) -> Dial:
    async def dial(factory: ProtocolFactory) -> H2Protocol:
        handshake = await open_connection(address, lambda: UpgradeHandshake(factory))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await handshake.upgraded
        except TimeoutError:
            raise Unavailable(
                f"Docker Engine at {address.text} did not answer the request for BuildKit within "
                f"{ANSWER_SECONDS:.0f} s. Check its load and its log."
            ) from None
        finally:
            handshake.give_up()

    return dial


class UpgradeHandshake(asyncio.Protocol):
    """Reads the answer and hands the connection on, with the bytes that came behind the answer."""

    def __init__(self, factory: ProtocolFactory) -> None:
        self.upgraded: asyncio.Future[H2Protocol] = asyncio.get_running_loop().create_future()
        self._factory = factory
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio declares its transport too widely, and uvloop's is no subclass of the narrow one."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if found and head.startswith(b"HTTP/1.1 101 "):
            self._hand_on(rest)
        elif found or len(self._received) > ANSWER_LIMIT:
            self._refuse(f"it answered {self._received[:200].decode('utf-8', 'replace')!r}")

    def connection_lost(self, _error: Exception | None) -> None:
        self._refuse("it closed the connection")

    def give_up(self) -> None:
        """Closes what was not handed on; without effect otherwise."""
        if self._transport is not None:
            self._transport.close()

    def _hand_on(self, rest: bytes) -> None:
        transport, self._transport = self._transport, None
        if transport is None or self.upgraded.done():
            return
        protocol = self._factory()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if rest:
            protocol.data_received(rest)
        self.upgraded.set_result(protocol)

    def _refuse(self, reason: str) -> None:
        if not self.upgraded.done():
            self.upgraded.set_exception(
                Unavailable(
                    f"Docker Engine did not give access to its BuildKit: {reason}. "
                    "Check that the engine is 19.03 or newer and that its API is not behind a proxy without upgrades."
                )
            )
        self.give_up()
