"""`POST /grpc`: from the engine's HTTP/1.1 answer to HTTP/2 on the same connection."""

import asyncio
from typing import Any

import pytest

from slipyard.builder.buildkit.dial_upgraded import REQUEST, UpgradeHandshake
from slipyard.domain.errors import Unavailable

SWITCHING = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.protocol: Any = None

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.written += data

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def close(self) -> None:
        self.closed = True


class Heard(asyncio.Protocol):
    def __init__(self) -> None:
        self.transport: asyncio.BaseTransport | None = None
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data


def connect() -> tuple[UpgradeHandshake, Wire]:
    handshake, wire = UpgradeHandshake(Heard), Wire()
    handshake.connection_made(wire)
    assert wire.written == REQUEST
    return handshake, wire


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\npage not found", "it answered 'HTTP/1.1 404 Not Found"),
        (b"SSH-2.0-OpenSSH_9.2\r\n" + b"x" * 70_000, "it answered 'SSH-2.0"),
    ],
)
async def test_another_answer_is_told_and_the_connection_closed(answer: bytes, reason: str):
    handshake, wire = connect()
    handshake.data_received(answer)
    with pytest.raises(Unavailable, match=reason):
        await handshake.upgraded
    assert wire.closed


async def test_a_connection_closed_before_the_answer_is_told():
    handshake, _ = connect()
    handshake.connection_lost(None)
    with pytest.raises(Unavailable, match="it closed the connection"):
        await handshake.upgraded


@pytest.mark.parametrize("cut", range(0, len(SWITCHING) + 9, 7))
async def test_bytes_behind_the_answer_reach_the_new_protocol_however_they_are_cut(cut: int):
    handshake, wire = connect()
    sent = SWITCHING + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    for piece in (sent[:cut], sent[cut:]):
        (wire.protocol or handshake).data_received(piece)
    protocol: Any = await handshake.upgraded
    assert protocol.transport is wire
    assert protocol.data == b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    handshake.give_up()
    assert not wire.closed


async def test_a_loop_whose_transports_are_of_another_family_is_served_too():
    """uvloop's are, and the controller runs on it."""
    wire = Wire()

    class Foreign:
        def __getattr__(self, name: str) -> Any:
            return getattr(wire, name)

    handshake = UpgradeHandshake(Heard)
    handshake.connection_made(Foreign())  # type: ignore[arg-type]
    handshake.data_received(SWITCHING + b"settings")
    assert (await handshake.upgraded).data == b"settings"
    assert wire.written == REQUEST
