"""Work under a claim: heartbeats beside it, and an end to it where the claim is lost or somebody cancels."""

import asyncio
import contextlib
from collections.abc import Coroutine
from datetime import datetime
from typing import TypeVar

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from slipyard.domain.errors import DiskFull, LeaseLost
from slipyard.pipeline.context import Context
from slipyard.store import claims
from slipyard.store.claims import Claim
from slipyard.store.tables import Build, Deployment

T = TypeVar("T")
_LOOK_SECONDS = 0.5
_BEATS_IN_A_LEASE = 4


class CancelRequested(Exception):
    """Somebody asked that this work end; `str()` is the reason."""


class ParkRequested(Exception):
    """All is well, and the next thing to do comes later: no worker waits for it. See `go_on.py`."""

    def __init__(self, waits_for: str, until: datetime | None = None) -> None:
        super().__init__(waits_for)
        self.waits_for = waits_for
        self.until = until


async def under_claim(context: Context, claim: Claim, work: Coroutine[None, None, T], *, heed_cancel: bool = True) -> T:
    """The result of `work`. Raises `LeaseLost` or `CancelRequested` after `work` was cancelled and has ended."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_watch(context, claim, heed_cancel=heed_cancel))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            watching.result()  # raises why
        return await working
    finally:
        await _end(working)
        await _end(watching)


async def _watch(context: Context, claim: Claim, *, heed_cancel: bool) -> None:
    """Never returns: raises once the work must end."""
    lease = context.settings.lease_seconds
    beaten = context.clock.monotonic()
    while True:
        await context.clock.sleep(min(_LOOK_SECONDS, lease / _BEATS_IN_A_LEASE))
        since = context.clock.monotonic() - beaten
        if since > lease:
            raise LeaseLost(
                f"{claim.id} was not confirmed for {since:.0f} s, so another process may hold it; stopping."
            )
        with contextlib.suppress(OperationalError, DiskFull):  # busy, absent or full: the deadline above decides
            if heed_cancel:
                await context.database.reading(lambda session: raise_if_cancelled(session, claim))
            if since > lease / _BEATS_IN_A_LEASE:
                start = context.clock.monotonic()
                await context.database.writing(lambda session: claims.beat(session, claim))
                beaten = start


def raise_if_cancelled(session: Session, claim: Claim) -> None:
    row = session.get(claim.kind, claim.id, populate_existing=True)
    if isinstance(row, Build | Deployment) and row.cancel_reason is not None:
        raise CancelRequested(row.cancel_reason)


async def _end(task: "asyncio.Future[T]") -> None:
    task.cancel()
    await asyncio.wait({task})
