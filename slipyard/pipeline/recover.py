"""Work whose holder is gone is given back, and work that nobody was woken for is woken again."""

import asyncio
import os
import select as io
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from sqlalchemy import update
from sqlmodel import Session, col, select

from slipyard.domain.errors import DiskFull
from slipyard.pipeline.context import Context
from slipyard.pipeline.queue import WorkKind
from slipyard.store.claims import Claimable, Holder, is_ready_to_deploy, process_start, take_away
from slipyard.store.queries.builds import UNFINISHED_BUILDS
from slipyard.store.queries.deployments import AT_WORK, UNFINISHED_DEPLOYMENTS
from slipyard.store.tables import Build, Deployment

_KILL_SECONDS = 10.0
_log = structlog.get_logger()


@dataclass(frozen=True)
class Held:
    kind: Claimable
    id: str
    token: str
    holder: str
    heartbeat: int


@dataclass
class LeaseWatch:
    """Calls a lease lost only when this process's own boot clock saw its heartbeat stand still: no wall clock decides."""

    seen: dict[str, tuple[int, float]] = field(default_factory=dict)

    def lost(self, held: Held, now: float, lease: float) -> bool:
        key = f"{held.id}:{held.token}"
        heartbeat, since = self.seen.get(key, (-1, now))
        if heartbeat != held.heartbeat:
            self.seen[key] = (held.heartbeat, now)
            return False
        return now - since > lease

    def forget(self, held: Held) -> None:
        """Its lease begins anew."""
        self.seen.pop(f"{held.id}:{held.token}", None)

    def forget_others(self, held: Sequence[Held]) -> None:
        keys = {f"{each.id}:{each.token}" for each in held}
        self.seen = {key: value for key, value in self.seen.items() if key in keys}


async def recover_claims(context: Context, watch: LeaseWatch) -> None:
    """A holder on this machine that is dead loses at once; one that is frozen is killed first, and waited for."""
    held = await context.database.reading(_held)
    watch.forget_others(held)
    for claim in held:
        holder = Holder.parse(claim.holder)
        here = holder.host == context.holder.host
        gone = here and await asyncio.to_thread(process_start, holder.pid) != holder.started
        if not gone and not watch.lost(claim, context.clock.monotonic(), context.settings.lease_seconds):
            continue
        if not gone and not await _could_beat(context, claim):
            watch.forget(claim)
            continue
        if here and not gone:
            await asyncio.to_thread(kill_and_wait, holder)
        await _give_back(context, claim)


async def wake_waiting(context: Context, before: set[str]) -> set[str]:
    """Wakes what was waiting at the last pass already, so that a wake-up on its way is not doubled. Returns what waits."""
    waiting = await context.database.reading(_waiting)
    for kind, row_id in waiting:
        if row_id in before:
            await context.queue.wake(kind, row_id)
    return {row_id for _, row_id in waiting}


def kill_and_wait(holder: Holder) -> None:
    """Through a pidfd, so that no later process with the same number is meant. Blocking, at most 10 s."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(holder.pid)
        try:
            if process_start(holder.pid) == holder.started:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                io.select([descriptor], [], [], _KILL_SECONDS)
        finally:
            os.close(descriptor)


async def _could_beat(context: Context, claim: Held) -> bool:
    """On a full disk nobody can, and whoever stands still only waits for room."""
    same = update(claim.kind).where(col(claim.kind.id) == claim.id).values(claim_token=claim.kind.claim_token)
    try:
        await context.database.writing(lambda session: session.execute(same))
    except DiskFull:
        return False
    return True


async def _give_back(context: Context, claim: Held) -> None:
    done = await context.database.writing(lambda session: take_away(session, claim.kind, claim.id, claim.token))
    if done:
        _log.warning("claim_recovered", row=claim.id, holder=claim.holder)
        await context.queue.wake("build" if claim.kind is Build else "deploy", claim.id)


def _held(session: Session) -> list[Held]:
    builds = session.exec(select(Build).where(col(Build.claim_token).is_not(None))).all()
    deployments = session.exec(select(Deployment).where(col(Deployment.claim_token).is_not(None))).all()
    return [_held_row(row) for row in builds] + [_held_row(row) for row in deployments]


def _held_row(row: Build | Deployment) -> Held:
    return Held(type(row), row.id, row.claim_token or "", row.claim_holder or "", row.heartbeat)


def _waiting(session: Session) -> list[tuple[WorkKind, str]]:
    builds = select(Build.id).where(col(Build.status).in_(UNFINISHED_BUILDS), col(Build.claim_token).is_(None))
    deployments = select(Deployment).where(
        col(Deployment.status).in_(UNFINISHED_DEPLOYMENTS), col(Deployment.claim_token).is_(None)
    )
    return [
        *(("build", row_id) for row_id in session.exec(builds.order_by(Build.id)).all()),
        *(("deploy", row.id) for row in session.exec(deployments.order_by(Deployment.id)).all() if _can_go_on(row)),
    ]


def _can_go_on(row: Deployment) -> bool:
    at_work = row.status in AT_WORK
    return is_ready_to_deploy(row) or (at_work and row.parked is None)
