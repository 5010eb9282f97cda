"""A real DNS server on a loopback port, over UDP and TCP: TXT records from a table, and this machine for every name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

_HERE = "127.0.0.1"
_TRIES = 20


@dataclass
class DnsServer:
    """`texts` by name, without a dot at the end. What has none does not exist; `broken` answers with a failure."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    broken: bool = False
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def answer(self, data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        name, kind = query.question[0].name, query.question[0].rdtype
        plain = name.to_text(omit_final_dot=True).lower()
        self.asked.append(plain)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        texts = self.texts.get(plain, [])
        if self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif kind == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(name, 0, "IN", "A", _HERE))
        elif kind == dns.rdatatype.TXT and texts:
            answer.answer.append(dns.rrset.from_text(name, 0, "IN", "TXT", *(f'"{text}"' for text in texts)))
        elif kind == dns.rdatatype.TXT:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Messages over TCP, each behind its length."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                answer = self.answer(await reader.readexactly(length))
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(self._server.answer(data), addr)


@asynccontextmanager
async def dns_server() -> AsyncIterator[DnsServer]:
    server = DnsServer()
    streams, datagrams = await _bound(server)
    server.address = "{}:{}".format(*datagrams.get_extra_info("sockname"))
    try:
        yield server
    finally:
        datagrams.close()
        streams.close()


async def _bound(server: DnsServer) -> tuple[asyncio.Server, asyncio.DatagramTransport]:
    """Both on one port, which may be taken for one of them."""
    for _ in range(_TRIES):
        streams = await asyncio.start_server(server.talk, _HERE, 0)
        address = streams.sockets[0].getsockname()
        try:
            datagrams, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(server), local_addr=address
            )
        except OSError:
            streams.close()
        else:
            return streams, datagrams
    raise OSError("no port is free for both UDP and TCP")
