"""A Dockerfile that is text of ours and not a file of the context, served as a directory that holds it alone.

In the tar it would be copied by `COPY . .` and change the image's layers; a whole tar would have to be rewritten to
keep it out of reach. One file over FileSync is six messages.
"""

import hashlib

from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Stream

from slipyard.builder.buildkit.protocol.filesync_pb2 import Packet, Stat

DIRECTORY = "dockerfile"
FILE_NAME = "Dockerfile"

PacketStream = Stream[Packet, Packet]


def dockerfile_methods(text: str) -> dict[str, Handler]:
    content = text.encode()

    async def diff_copy(stream: PacketStream) -> None:
        await stream.send_message(Packet(type=Packet.PACKET_STAT, stat=file_stat(content)))
        await stream.send_message(Packet(type=Packet.PACKET_STAT))
        async for packet in stream:
            if packet.type == Packet.PACKET_REQ:
                await _send_file(stream, packet.ID, content)
            elif packet.type == Packet.PACKET_FIN:
                await stream.send_message(Packet(type=Packet.PACKET_FIN))
                return
            elif packet.type == Packet.PACKET_ERR:
                raise GRPCError(Status.ABORTED, packet.data.decode("utf-8", "replace"))

    return {"/moby.filesync.v1.FileSync/DiffCopy": Handler(diff_copy, Cardinality.STREAM_STREAM, Packet, Packet)}


def file_stat(content: bytes) -> Stat:
    """The daemon keeps the file of an earlier build where path, size and time are equal, so the time is made from the
    content: a moment in nanoseconds that only an equal content has."""
    moment = int.from_bytes(hashlib.sha256(content).digest()[:7])
    return Stat(path=FILE_NAME, mode=0o644, size=len(content), modTime=moment)


async def _send_file(stream: PacketStream, number: int, content: bytes) -> None:
    if content:
        await stream.send_message(Packet(type=Packet.PACKET_DATA, ID=number, data=content))
    await stream.send_message(Packet(type=Packet.PACKET_DATA, ID=number))
