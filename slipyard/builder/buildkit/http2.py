"""HTTP/2 as BuildKit speaks it: wider headers than the libraries' defaults, and utf-8 in them."""

import asyncio

from grpclib.protocol import H2Protocol
from h2.config import H2Configuration
from h2.settings import SettingCodes

# The trailer of a failed Solve embeds the whole Dockerfile, once for each place that the error names.
HEADER_LIMIT = 16 * 1024 * 1024


def h2_configuration(*, client_side: bool) -> H2Configuration:
    """Engine 20.10 puts file names into headers as they are: with ASCII, a name outside it would end the connection."""
    return H2Configuration(
        client_side=client_side,
        header_encoding="utf-8",
        validate_inbound_headers=False,
        validate_outbound_headers=False,
        normalize_inbound_headers=False,
        normalize_outbound_headers=False,
    )


class WideProtocol(H2Protocol):
    """grpclib's protocol with the header limit raised from h2's 64 KiB, at once and in what the peer is told."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        connection = self.connection._connection  # noqa: SLF001 - grpclib has no setting for it
        connection.update_settings({SettingCodes.MAX_HEADER_LIST_SIZE: HEADER_LIMIT})
        connection.decoder.max_header_list_size = HEADER_LIMIT
        self.connection.flush()
