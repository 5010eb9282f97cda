"""The door to DNS for what the machine's own look-up of addresses cannot answer: TXT records."""

import asyncio
from ipaddress import ip_address

import dns.asyncresolver
import dns.exception
import dns.resolver

from slipyard.domain.errors import Unavailable, ValidationFailed

_SECONDS = 6.0
_PORT = 53


class DnsRecords:
    """`server` is `address` or `address:port` (`[address]:port` for IPv6); None asks whom the machine asks."""

    def __init__(self, server: str | None = None) -> None:
        self._server = None if server is None else _server(server)

    async def texts(self, name: str) -> list[str]:
        """What the TXT records of a name say; none where there is no such name. `Unavailable` where nobody answers."""
        resolver = await asyncio.to_thread(self._resolver)
        try:
            answer = await resolver.resolve(name, "TXT", lifetime=_SECONDS, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise Unavailable(
                f"No name server answers for {name} now ({type(error).__name__}). It is asked again by itself."
            ) from error
        return [b"".join(row.strings).decode("ascii", "replace") for row in answer]

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """Reads the machine's settings where there is no server of our own."""
        try:
            resolver = dns.asyncresolver.Resolver(configure=self._server is None)
        except dns.resolver.NoResolverConfiguration as error:
            raise Unavailable(
                "This machine has no name server in /etc/resolv.conf, so nobody can be asked. Set SLIPYARD_DNS_SERVER."
            ) from error
        if self._server is not None:
            address, resolver.port = self._server
            resolver.nameservers = [address]
        return resolver


def _server(text: str) -> tuple[str, int]:
    address, port = text, str(_PORT)
    if text.count(":") == 1 or text.startswith("["):
        address, _, port = text.rpartition(":") if not text.endswith("]") else (text, "", port)
    address = address.strip("[]")
    try:
        return str(ip_address(address)), int(port)
    except ValueError:
        raise ValidationFailed(
            f"SLIPYARD_DNS_SERVER cannot be {text!r}: give an address, with a port where it is not 53."
        ) from None
