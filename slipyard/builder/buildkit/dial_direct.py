"""Plain gRPC: Docker Engine from 29.2 (API 1.53) on its API socket, and a standalone buildkitd."""

import ssl

from grpclib.protocol import H2Protocol

from slipyard.builder.buildkit.address import Address, open_connection
from slipyard.builder.buildkit.channel import Dial, ProtocolFactory


def dial_direct(address: Address, tls: ssl.SSLContext | None = None) -> Dial:
    async def dial(factory: ProtocolFactory) -> H2Protocol:
        return await open_connection(address, factory, tls)

    return dial
