"""What a builder keeps of earlier builds, and giving some of it back. It belongs to no build and to no app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from grpclib.exceptions import GRPCError, StreamTerminatedError

from slipyard.builder.buildkit.channel import BuildKitChannel, Dial
from slipyard.builder.buildkit.control import Control
from slipyard.builder.buildkit.protocol.control_pb2 import DiskUsageRequest, PruneRequest, UsageRecord
from slipyard.builder.image_build import CacheUse
from slipyard.domain.errors import Unavailable

PATIENCE_SECONDS = 300.0  # the daemon looks at every record, and removes directories one by one


async def cache_use(dial: Dial, address: str) -> CacheUse:
    async with _control(dial, address) as control:
        records = (await control.disk_usage(DiskUsageRequest(), timeout=PATIENCE_SECONDS)).record
    return CacheUse(
        bytes=sum(record.Size for record in records if not record.Shared),
        reclaimable=sum(record.Size for record in records if not record.Shared and not record.InUse),
    )


async def prune_cache(dial: Dial, address: str, keep_bytes: int) -> int:
    """How many bytes went: what was used least recently first, until no more than `keep_bytes` are left. What is in use,
    or a layer of an image, stays."""
    freed = 0
    async with _control(dial, address) as control, control.prune.open(timeout=PATIENCE_SECONDS) as stream:
        await stream.send_message(PruneRequest(keepBytes=keep_bytes), end=True)
        async for record in stream:
            freed += _size(record)
    return freed


@asynccontextmanager
async def _control(dial: Dial, address: str) -> AsyncIterator[Control]:
    try:
        async with BuildKitChannel(dial) as channel:
            yield Control(channel)
    except (GRPCError, StreamTerminatedError, OSError, TimeoutError) as error:
        raise Unavailable(
            f"The builder at {address} did not say what it keeps: {str(error) or type(error).__name__}. Check that it runs, "
            "and try again."
        ) from error


def _size(record: UsageRecord) -> int:
    return int(record.Size)
