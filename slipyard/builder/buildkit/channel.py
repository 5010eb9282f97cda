"""grpclib's channel over a connection that one of the `dial_*` files made."""

from collections.abc import Awaitable, Callable

from grpclib.client import Channel, Handler
from grpclib.encoding.proto import ProtoCodec
from grpclib.protocol import H2Protocol

from slipyard.builder.buildkit.failure_details import FailureDetailsCodec
from slipyard.builder.buildkit.http2 import WideProtocol, h2_configuration

ProtocolFactory = Callable[[], H2Protocol]
Dial = Callable[[ProtocolFactory], Awaitable[H2Protocol]]


class BuildKitChannel(Channel):
    """One HTTP/2 connection; made at the first call and never made again: a build does not outlive its connection."""

    def __init__(self, dial: Dial) -> None:
        super().__init__("localhost", codec=ProtoCodec(), status_details_codec=FailureDetailsCodec())
        self._h2_config = h2_configuration(client_side=True)
        self._dial = dial

    async def _create_connection(self) -> H2Protocol:
        return await self._dial(self._protocol_factory)

    def _protocol_factory(self) -> H2Protocol:
        return WideProtocol(Handler(), self._config, self._h2_config)
