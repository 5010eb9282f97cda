"""The build's context, sent as the tar that it is when the daemon pulls it."""

import asyncio
from pathlib import Path

from grpclib.const import Cardinality, Handler
from grpclib.server import Stream

from slipyard.builder.buildkit.protocol.control_pb2 import BytesMessage

# 32 KiB pieces took three times as long as 256 KiB; daemons refuse 4 MiB.
PIECE = 1024 * 1024


def upload_methods(context: Path) -> dict[str, Handler]:
    async def pull(stream: Stream[BytesMessage, BytesMessage]) -> None:
        with await asyncio.to_thread(context.open, "rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                await stream.send_message(BytesMessage(data=piece))

    return {"/moby.upload.v1.Upload/Pull": Handler(pull, Cardinality.STREAM_STREAM, BytesMessage, BytesMessage)}
