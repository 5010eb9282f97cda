"""The session: gRPC inside the messages of another stream, here over a pipe in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from grpclib.client import StreamStreamMethod, UnaryUnaryMethod
from grpclib.config import Configuration
from grpclib.const import Cardinality, Handler, Status
from grpclib.encoding.proto import ProtoCodec
from grpclib.events import _DispatchServerEvents
from grpclib.exceptions import GRPCError, StreamTerminatedError
from grpclib.protocol import H2Protocol
from grpclib.server import Handler as Serving

from slipyard.builder.buildkit.channel import BuildKitChannel, ProtocolFactory
from slipyard.builder.buildkit.http2 import WideProtocol, h2_configuration
from slipyard.builder.buildkit.nested_transport import carry
from slipyard.builder.buildkit.protocol.control_pb2 import BytesMessage
from slipyard.builder.buildkit.protocol.filesync_pb2 import Packet
from slipyard.builder.buildkit.protocol.session_pb2 import (
    Anything,
    CredentialsRequest,
    CredentialsResponse,
    GetSecretRequest,
    GetSecretResponse,
    HealthCheckRequest,
    HealthCheckResponse,
)
from slipyard.builder.buildkit.services.context_upload import upload_methods
from slipyard.builder.buildkit.services.dockerfile_sync import dockerfile_methods, file_stat
from slipyard.builder.buildkit.services.health import health_methods
from slipyard.builder.buildkit.services.methods import Methods
from slipyard.builder.buildkit.services.registry_credentials import credentials_methods
from slipyard.builder.buildkit.services.secrets import secrets_methods
from slipyard.domain.credentials import Credentials


@dataclass
class PipeEnd:
    incoming: "asyncio.Queue[bytes | None]" = field(default_factory=asyncio.Queue)
    outgoing: "asyncio.Queue[bytes | None]" = field(default_factory=lambda: asyncio.Queue(maxsize=1))
    largest: int = 0

    async def send(self, data: bytes) -> None:
        self.largest = max(self.largest, len(data))
        await self.outgoing.put(data)

    async def receive(self) -> bytes | None:
        return await self.incoming.get()


@dataclass
class Daemon:
    """The daemon's side: it calls, we serve."""

    channel: BuildKitChannel
    ours: PipeEnd
    serving: "asyncio.Task[None]"


@contextlib.asynccontextmanager
async def daemon_calling(methods: dict[str, Handler]) -> AsyncIterator[Daemon]:
    ours = PipeEnd()
    theirs = PipeEnd(incoming=ours.outgoing, outgoing=ours.incoming)
    handler = Serving(Methods(methods), ProtoCodec(), None, _DispatchServerEvents())
    server = WideProtocol(handler, Configuration().__for_server__(), h2_configuration(client_side=False))
    serving = asyncio.create_task(carry(ours, server))
    calling: list[asyncio.Task[None]] = []

    async def dial(factory: ProtocolFactory) -> H2Protocol:
        protocol = factory()
        calling.append(asyncio.create_task(carry(theirs, protocol)))
        await asyncio.sleep(0)  # `carry` connects the protocol before it first waits
        return protocol

    try:
        async with BuildKitChannel(dial) as channel:
            yield Daemon(channel, ours, serving)
    finally:
        for task in (serving, *calling):
            task.cancel()
        await asyncio.gather(serving, *calling, return_exceptions=True)


async def test_an_unknown_method_is_refused_and_the_session_lives_on():
    async with daemon_calling(health_methods()) as daemon:
        with pytest.raises(GRPCError) as refusal:
            await UnaryUnaryMethod(daemon.channel, "/moby.filesync.v1.Auth/GetTokenAuthority", Anything, Anything)(
                Anything()
            )
        assert refusal.value.status is Status.UNIMPLEMENTED
        check = UnaryUnaryMethod(
            daemon.channel, "/grpc.health.v1.Health/Check", HealthCheckRequest, HealthCheckResponse
        )
        assert (await check(HealthCheckRequest())).status == 1


async def test_a_secret_that_is_not_set_is_not_found_and_one_that_is_arrives():
    async with daemon_calling(secrets_methods({"token": b"\x00binary"})) as daemon:
        get = UnaryUnaryMethod(
            daemon.channel, "/moby.buildkit.secrets.v1.Secrets/GetSecret", GetSecretRequest, GetSecretResponse
        )
        with pytest.raises(GRPCError) as refusal:
            await get(GetSecretRequest(ID="other"))
        assert refusal.value.status is Status.NOT_FOUND
        assert (await get(GetSecretRequest(ID="token"))).data == b"\x00binary"


@pytest.mark.parametrize(
    ("host", "username"),
    [("registry.example", "me"), ("registry.example:5000", ""), ("registry-1.docker.io", "hub"), ("", "")],
)
async def test_a_login_goes_only_to_its_own_registry(host: str, username: str):
    known = {"registry.example": Credentials("me", "a"), "docker.io": Credentials("hub", "b")}
    async with daemon_calling(credentials_methods(known)) as daemon:
        ask = UnaryUnaryMethod(
            daemon.channel, "/moby.filesync.v1.Auth/Credentials", CredentialsRequest, CredentialsResponse
        )
        assert (await ask(CredentialsRequest(Host=host))).Username == username


async def test_a_context_larger_than_every_window_arrives_whole_and_in_messages_that_daemons_take(tmp_path: Path):
    data = bytes(range(256)) * 40_000  # 10 MB
    (tmp_path / "context.tar").write_bytes(data)
    async with daemon_calling(upload_methods(tmp_path / "context.tar")) as daemon:
        pull = StreamStreamMethod(daemon.channel, "/moby.upload.v1.Upload/Pull", BytesMessage, BytesMessage)
        async with pull.open() as stream:
            await stream.send_request(end=True)
            received = b"".join([message.data async for message in stream])
        assert received == data
        assert daemon.ours.largest < 4 * 1024 * 1024


async def test_a_dockerfile_of_ours_is_served_as_the_only_file_of_its_directory():
    async with daemon_calling(dockerfile_methods("FROM scratch\n")) as daemon:
        sync = StreamStreamMethod(daemon.channel, "/moby.filesync.v1.FileSync/DiffCopy", Packet, Packet)
        async with sync.open() as stream:
            await stream.send_request()
            stat, end_of_list = await stream.recv_message(), await stream.recv_message()
            assert stat is not None
            assert (stat.stat.path, stat.stat.size, end_of_list) == ("Dockerfile", 13, Packet())
            await stream.send_message(Packet(type=Packet.PACKET_REQ, ID=0))
            data, end_of_file = await stream.recv_message(), await stream.recv_message()
            assert data == Packet(type=Packet.PACKET_DATA, data=b"FROM scratch\n")
            assert end_of_file == Packet(type=Packet.PACKET_DATA)
            await stream.send_message(Packet(type=Packet.PACKET_FIN), end=True)
            assert await stream.recv_message() == Packet(type=Packet.PACKET_FIN)


def test_dockerfiles_of_one_size_differ_in_their_time_and_equal_ones_do_not():
    assert file_stat(b"alpha").modTime != file_stat(b"omega").modTime
    assert file_stat(b"alpha") == file_stat(b"alpha")


async def test_an_error_larger_than_the_libraries_usual_header_is_received():
    async def fail(_stream: object) -> None:
        raise GRPCError(Status.UNKNOWN, "x" * 80_000)

    methods = {"/a/B": Handler(fail, Cardinality.UNARY_UNARY, Anything, Anything)}
    async with daemon_calling(methods) as daemon:
        with pytest.raises(GRPCError) as error:
            await UnaryUnaryMethod(daemon.channel, "/a/B", Anything, Anything)(Anything())
        assert error.value.message == "x" * 80_000


async def test_the_end_of_the_outer_stream_ends_the_session_and_the_calls_in_it():
    async def hang(_stream: object) -> None:
        await asyncio.Event().wait()

    methods = {"/a/B": Handler(hang, Cardinality.UNARY_UNARY, Anything, Anything)}
    async with daemon_calling(methods) as daemon:
        call = asyncio.create_task(UnaryUnaryMethod(daemon.channel, "/a/B", Anything, Anything)(Anything()))
        await asyncio.sleep(0)
        daemon.ours.incoming.put_nowait(None)
        daemon.ours.outgoing.put_nowait(None)
        await daemon.serving
        with pytest.raises(StreamTerminatedError):
            await call
