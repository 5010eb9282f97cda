"""A real DNS server on a loopback port: answers TXT questions from a table, over UDP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


@dataclass
class DnsServer(asyncio.DatagramProtocol):
    """`texts` by name, without a dot at the end. What has none does not exist; `broken` answers with a failure."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    broken: bool = False
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        host, port = transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name
        self.asked.append(name.to_text(omit_final_dot=True))
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        texts = self.texts.get(name.to_text(omit_final_dot=True).lower(), [])
        if self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif texts:
            answer.answer.append(dns.rrset.from_text(name, 0, "IN", "TXT", *(f'"{text}"' for text in texts)))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def dns_server() -> AsyncIterator[DnsServer]:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        DnsServer, local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        transport.close()
