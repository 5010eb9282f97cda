"""The daemon asks every 1 s (Engine 20.10: one strike and the session is dead) or every 5 s."""

from grpclib.const import Cardinality, Handler
from grpclib.server import Stream

from slipyard.builder.buildkit.protocol.session_pb2 import HealthCheckRequest, HealthCheckResponse

SERVING = 1


def health_methods() -> dict[str, Handler]:
    return {
        "/grpc.health.v1.Health/Check": Handler(
            _check, Cardinality.UNARY_UNARY, HealthCheckRequest, HealthCheckResponse
        )
    }


async def _check(stream: Stream[HealthCheckRequest, HealthCheckResponse]) -> None:
    await stream.recv_message()
    await stream.send_message(HealthCheckResponse(status=SERVING))
