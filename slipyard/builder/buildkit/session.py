"""A session: the daemon calls services of ours through a connection that we opened.

It lies inside `Control.Session`, which every daemon serves, also Engine 20.10 through its upgraded connection.
"""

import asyncio
import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from grpclib.client import Stream
from grpclib.config import Configuration
from grpclib.const import Handler as Method
from grpclib.encoding.proto import ProtoCodec
from grpclib.events import _DispatchServerEvents
from grpclib.exceptions import GRPCError, StreamTerminatedError
from grpclib.server import Handler
from h2.exceptions import H2Error

from slipyard.builder.buildkit.control import Control
from slipyard.builder.buildkit.http2 import WideProtocol, h2_configuration
from slipyard.builder.buildkit.nested_transport import carry
from slipyard.builder.buildkit.protocol.control_pb2 import BytesMessage
from slipyard.builder.buildkit.services.methods import Methods

CONNECTION_ENDED = (GRPCError, StreamTerminatedError, H2Error, ConnectionError)


@dataclass(frozen=True)
class Session:
    session_id: str
    ended: asyncio.Task[None] = field(repr=False)  # done once the daemon can no longer call us


@contextlib.asynccontextmanager
async def open_session(control: Control, methods: Mapping[str, Method], namespace: str) -> AsyncIterator[Session]:
    """Serves `methods` to the daemon. `namespace` keeps what the daemon remembers of our files apart from others'."""
    session_id = uuid.uuid4().hex
    handler = Handler(Methods(methods), ProtoCodec(), None, _DispatchServerEvents())
    async with control.session.open(metadata=_introduction(session_id, namespace, methods)) as stream:
        await stream.send_request()
        serving = asyncio.create_task(carry(MessageStream(stream), _server_side(handler)))
        try:
            yield Session(session_id, serving)
        finally:
            await _end(serving, handler, stream)


def _introduction(session_id: str, namespace: str, methods: Mapping[str, Method]) -> list[tuple[str, str]]:
    return [
        ("x-docker-expose-session-uuid", session_id),
        ("x-docker-expose-session-name", "slipyard"),
        ("x-docker-expose-session-sharedkey", hashlib.sha256(namespace.encode()).hexdigest()),
        *(("x-docker-expose-session-grpc-method", name) for name in methods),
    ]


def _server_side(handler: Handler) -> WideProtocol:
    return WideProtocol(handler, Configuration().__for_server__(), h2_configuration(client_side=False))


async def _end(serving: asyncio.Task[None], handler: Handler, stream: Stream[BytesMessage, BytesMessage]) -> None:
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await handler.wait_closed()
    with contextlib.suppress(*CONNECTION_ENDED):
        await stream.cancel()


class MessageStream:
    """The bytes in the messages of `Control.Session`."""

    def __init__(self, stream: Stream[BytesMessage, BytesMessage]) -> None:
        self._stream = stream

    async def send(self, data: bytes) -> None:
        await self._stream.send_message(BytesMessage(data=data))

    async def receive(self) -> bytes | None:
        message = await self._stream.recv_message()
        return None if message is None else message.data
