"""A name becomes the addresses that may be called: judged once, and then dialled by number, so that it cannot change."""

import socket
from collections.abc import Sequence

from slipyard.clients.name_lookup import look_up
from slipyard.domain.errors import HostUnknown, Unavailable
from slipyard.domain.network_rules import Address, Network, check_addresses, literal_address


async def resolve_host(host: str, port: int, allowed_networks: Sequence[Network] = ()) -> tuple[Address, ...]:
    """`host` is a checked one (`check_host`). `SourceRefused` where one of its addresses is closed, `HostUnknown` where
    DNS does not know it, `Unavailable` where the name server does not answer."""
    literal = literal_address(host)
    addresses = [literal] if literal is not None else await _look_up(host, port)
    check_addresses(host, addresses, allowed_networks)
    return tuple(addresses)


async def _look_up(host: str, port: int) -> list[Address]:
    try:
        return await look_up(host, port)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise Unavailable(f"The name server does not answer for {host} now. It is tried again.") from error
        raise HostUnknown(f"There is no host {host}. Check how it is spelled.") from error
