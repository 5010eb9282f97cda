"""The exact tree that a build uses: a sanitised tar in a store, named by the digest of its contents."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from slipyard.builder.archive import Sanitised, sanitise
from slipyard.builder.archive_limits import ArchiveLimits
from slipyard.builder.byte_feed import ByteFeed
from slipyard.domain.errors import DiskFull, Unavailable

_BUFFER = 1024 * 1024


@dataclass(frozen=True)
class Snapshot:
    """`digest` is `sha256:<hex>` over paths, kinds, modes, link targets and contents; `bytes` is the size of the file."""

    digest: str
    path: Path
    entries: int
    bytes: int
    lfs_pointers: tuple[str, ...] = ()


async def snapshot_from(
    stream: AsyncIterator[bytes],
    store_directory: Path,
    limits: ArchiveLimits | None = None,
    *,
    durable: bool = False,
) -> Snapshot:
    """Takes .tar, .tar.gz and .tar.zst by their first bytes, sanitises while they arrive, keeps `<store>/<hex>.tar`.

    Memory stays within some MiB for any size. `durable` waits for the disk: for uploads, which exist nowhere else.
    `SourceRefused` or `TooLarge` for what is wrong with the archive; `Unavailable` for a full disk. Nothing of a
    refused archive is left.
    """
    feed = ByteFeed()
    work = asyncio.create_task(
        asyncio.to_thread(_keep, feed, store_directory, limits or ArchiveLimits(), durable=durable)
    )
    pump = asyncio.create_task(feed.pump(stream))
    try:
        await asyncio.wait({work, pump}, return_when=asyncio.FIRST_COMPLETED)
        if pump.done():
            pump.result()
        return await asyncio.shield(work)
    finally:
        pump.cancel()
        await asyncio.wait({work, pump})
        _seen(pump, work)


def _seen(*tasks: asyncio.Task[Any]) -> None:
    """The error that matters is on its way already; that of the other end is only its echo."""
    for task in tasks:
        if not task.cancelled():
            task.exception()


def _keep(feed: ByteFeed, store: Path, limits: ArchiveLimits, *, durable: bool) -> Snapshot:
    draft = store / f".{uuid4().hex}.partial"
    try:
        store.mkdir(parents=True, exist_ok=True)
        with draft.open("xb+", buffering=_BUFFER) as output:
            found = sanitise(feed, output, limits)
            output.flush()
            if durable:
                os.fsync(output.fileno())
        return _settle(draft, store, found, durable=durable)
    except OSError as error:
        raise disk_fault(error, store) from error
    finally:
        feed.close()
        draft.unlink(missing_ok=True)


def _settle(draft: Path, store: Path, found: Sanitised, *, durable: bool) -> Snapshot:
    """One that is there stays, with its exact bytes, which BuildKit has cached; unless a crash left it short."""
    digest = found.digest()
    path = store / f"{digest}.tar"
    if not path.exists() or path.stat().st_size != found.bytes:
        draft.replace(path)
        if durable:
            _sync_directory(store)
    else:
        os.utime(path)
    return Snapshot(f"sha256:{digest}", path, len(found.entries), found.bytes, tuple(found.lfs_pointers[:10]))


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def disk_fault(error: OSError, store: Path) -> Unavailable:
    """What to answer where a source cannot be written down."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    reason = "The disk is full" if full else f"The disk answered: {os.strerror(error.errno or 0)}"
    text = f"The source could not be kept in {store}. {reason}; it works again once there is room."
    return DiskFull(text) if full else Unavailable(text)
