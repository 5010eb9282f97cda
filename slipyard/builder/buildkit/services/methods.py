"""The table of methods that grpclib serves, with a proper refusal for all others."""

from typing import Any

from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError

from slipyard.builder.buildkit.protocol.session_pb2 import Anything


class Methods(dict[str, Handler]):
    """grpclib's own answer to an unknown method lacks a content-type, and grpc-go then fails the build instead of
    seeing UNIMPLEMENTED, which it takes as "not offered" (token services of `Auth`, for one)."""

    def get(self, name: str, _default: Any = None) -> Handler:
        return super().get(name) or REFUSED


async def _refuse(_stream: Any) -> None:
    raise GRPCError(Status.UNIMPLEMENTED, "Slipyard does not serve this method")


REFUSED = Handler(_refuse, Cardinality.UNARY_UNARY, Anything, Anything)
