"""Names and passwords for registries. Token services stay unserved: the daemon then fetches tokens itself."""

from collections.abc import Mapping

from grpclib.const import Cardinality, Handler
from grpclib.server import Stream

from slipyard.builder.buildkit.protocol.session_pb2 import CredentialsRequest, CredentialsResponse
from slipyard.domain.credentials import Credentials

DOCKER_HUB = ("docker.io", "registry-1.docker.io", "index.docker.io", "https://index.docker.io/v1/")


def credentials_methods(credentials: Mapping[str, Credentials]) -> dict[str, Handler]:
    """An unknown host gets empty credentials, which means anonymous."""

    async def answer(stream: Stream[CredentialsRequest, CredentialsResponse]) -> None:
        request = await stream.recv_message()
        found = find_credentials(credentials, request.Host if request else "")
        await stream.send_message(
            CredentialsResponse(Username=found.username, Secret=found.password) if found else CredentialsResponse()
        )

    return {
        "/moby.filesync.v1.Auth/Credentials": Handler(
            answer, Cardinality.UNARY_UNARY, CredentialsRequest, CredentialsResponse
        )
    }


def find_credentials(credentials: Mapping[str, Credentials], host: str) -> Credentials | None:
    """Exactly the host that was asked for; Docker Hub has several names."""
    names = DOCKER_HUB if host in DOCKER_HUB else (host,)
    return next((credentials[name] for name in names if name in credentials), None)
