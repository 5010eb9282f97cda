"""Build secrets, from memory only: they are mounted into a RUN step and are in no layer."""

from collections.abc import Mapping

from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Stream

from slipyard.builder.buildkit.protocol.session_pb2 import GetSecretRequest, GetSecretResponse


def secrets_methods(secrets: Mapping[str, bytes]) -> dict[str, Handler]:
    async def answer(stream: Stream[GetSecretRequest, GetSecretResponse]) -> None:
        request = await stream.recv_message()
        name = request.ID if request else ""
        if name not in secrets:
            raise GRPCError(Status.NOT_FOUND, f"secret {name} not found")
        await stream.send_message(GetSecretResponse(data=secrets[name]))

    return {
        "/moby.buildkit.secrets.v1.Secrets/GetSecret": Handler(
            answer, Cardinality.UNARY_UNARY, GetSecretRequest, GetSecretResponse
        )
    }
