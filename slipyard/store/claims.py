"""Claims: who works on a row. A claim is a random token; every later write of its holder is fenced by it."""

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import CursorResult, Update, update
from sqlmodel import Session, col, select

from slipyard.domain.errors import LeaseLost
from slipyard.domain.lifecycle import BuildStatus, DeploymentStatus
from slipyard.store.events import lock_app
from slipyard.store.queries.deployments import AT_WORK
from slipyard.store.tables import Build, Deployment
from slipyard.store.transition import transition

_MACHINES_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO of Linux, the same on every machine
Claimable = type[Build] | type[Deployment]
Work = TypeVar("Work", Build, Deployment)


@dataclass(frozen=True)
class Claim:
    kind: Claimable
    id: str
    token: str
    attempt: int


@dataclass(frozen=True)
class Holder:
    """A process that cannot be mistaken for a later one with the same number."""

    host: str  # where the number means this process, from `numbering`
    pid: int
    started: str  # in clock ticks since the boot, from /proc

    @classmethod
    def me(cls) -> "Holder":
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        return cls(numbering(socket.gethostname(), namespace), os.getpid(), process_start(os.getpid()) or "0")

    @classmethod
    def parse(cls, text: str) -> "Holder":
        host, pid, started = text.rsplit(":", 2)
        return cls(host, int(pid), started)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}:{self.started}"


def numbering(host: str, namespace: int) -> str:
    """Containers count processes anew, also where they have the machine's name: nobody else can tell their dead."""
    return host if namespace == _MACHINES_NAMESPACE else f"{host}/{namespace}"


def is_gone(holder: str, here: str) -> bool:
    """Whether its process has ended. Of one that is counted elsewhere than `here` nobody here can tell."""
    found = Holder.parse(holder)
    return found.host == here and process_start(found.pid) != found.started


def process_start(pid: int) -> str | None:
    """The boot's identity and the start time of a process; None where it is not there."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]


def claim_build(session: Session, build_id: str, holder: str, now: datetime) -> Claim | None:
    """None where it is not this worker's to take: taken, over, or another build of the app runs."""
    build = _locked(session, Build, build_id)
    if build is None or build.claim_token is not None:
        return None
    fields = _claim_fields(build, holder)
    if build.status is BuildStatus.QUEUED and not _another_runs(session, build):
        transition(
            session,
            build,
            BuildStatus.RUNNING,
            now=now,
            message=f"Build {build.number} started.",
            started_at=now,
            **fields,
        )
    elif build.status is BuildStatus.RUNNING:
        _reclaim(session, build, fields)
    else:
        return None
    return Claim(Build, build.id, fields["claim_token"], fields["attempt"])


def claim_deployment(session: Session, deployment_id: str, holder: str, now: datetime) -> Claim | None:
    """None where it is not this worker's to take: taken, over, not ready, or not the app's turn yet."""
    row = _locked(session, Deployment, deployment_id)
    if row is None or row.claim_token is not None or row.parked is not None:
        return None
    fields = _claim_fields(row, holder)
    if row.status in AT_WORK:
        _reclaim(session, row, fields)
    elif is_ready_to_deploy(row) and not _another_deploys(session, row):
        message = f"The rollout of deployment {row.number} started."
        transition(session, row, DeploymentStatus.DEPLOYING, now=now, message=message, started_at=now, **fields)
    else:
        return None
    return Claim(Deployment, row.id, fields["claim_token"], fields["attempt"])


def is_ready_to_deploy(row: Deployment) -> bool:
    """Waiting only for a worker or the app's turn: it has its release, or an image to make one of, and nothing holds it."""
    if row.parked is not None:
        return False
    if row.status is DeploymentStatus.BUILDING:
        return row.release_id is not None
    return row.status is DeploymentStatus.PENDING and (row.release_id is not None or row.image is not None)


def beat(session: Session, claim: Claim) -> None:
    """Shows that the holder lives. `LeaseLost` where somebody else holds the row now, or it is over."""
    kind = claim.kind
    held = update(kind).where(col(kind.id) == claim.id, col(kind.claim_token) == claim.token)
    _one(session, held.values(heartbeat=kind.heartbeat + 1), claim)


def require(session: Session, claim: Claim) -> None:
    """Locks the app and the claimed row, so that what this transaction writes is fenced by the token."""
    _lock_app_of(session, claim.kind, claim.id)
    beat(session, claim)


def release(session: Session, claim: Claim) -> None:
    """Gives the row back unfinished: the next worker resumes it. Nothing to do where it is lost already."""
    kind = claim.kind
    held = update(kind).where(col(kind.id) == claim.id, col(kind.claim_token) == claim.token)
    session.execute(held.values(claim_token=None, claim_holder=None))


def park(session: Session, claim: Claim, waits_for: str, until: datetime | None) -> None:
    """Gives a deployment back that is well and waits for something: nobody takes it up before `parked` is empty again.
    What was tried so far does not count against it."""
    require(session, claim)
    row = session.get_one(Deployment, claim.id, populate_existing=True)
    row.parked, row.parked_until, row.attempt = waits_for, until, 0
    row.claim_token = row.claim_holder = None
    session.add(row)
    session.flush()


def unpark(session: Session, deployment_id: str, evidence: str | None) -> None:
    """Whoever takes it up finds `evidence` where it is to end."""
    parked = update(Deployment).where(col(Deployment.id) == deployment_id, col(Deployment.parked).is_not(None))
    fields = {"parked": None, "parked_until": None} | ({} if evidence is None else {"evidence": evidence})
    session.execute(parked.values(**fields))


def take_away(session: Session, kind: Claimable, row_id: str, token: str) -> bool:
    """Ends a lost claim, after its holder is known to be dead or fenced."""
    held = update(kind).where(col(kind.id) == row_id, col(kind.claim_token) == token)
    done = session.execute(held.values(claim_token=None, claim_holder=None))
    return isinstance(done, CursorResult) and done.rowcount == 1


def _locked(session: Session, kind: type[Work], row_id: str) -> Work | None:
    """The row as it is now: with its app locked, two workers cannot both find that nothing else of it runs."""
    _lock_app_of(session, kind, row_id)
    return session.get(kind, row_id, populate_existing=True, with_for_update=True)


def _lock_app_of(session: Session, kind: Claimable, row_id: str) -> None:
    app_id = session.exec(select(kind.app_id).where(kind.id == row_id)).first()
    if app_id is not None:
        lock_app(session, app_id)


def _claim_fields(row: Build | Deployment, holder: str) -> dict[str, Any]:
    return {
        "claim_token": secrets.token_hex(16),
        "claim_holder": holder,
        "heartbeat": row.heartbeat + 1,
        "attempt": row.attempt + 1,
    }


def _reclaim(session: Session, row: Build | Deployment, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()


def _another_runs(session: Session, build: Build) -> bool:
    query = select(Build.id).where(Build.app_id == build.app_id, col(Build.status) == BuildStatus.RUNNING)
    return session.exec(query).first() is not None


def _another_deploys(session: Session, row: Deployment) -> bool:
    query = select(Deployment.id).where(Deployment.app_id == row.app_id, col(Deployment.status).in_(AT_WORK))
    return session.exec(query).first() is not None


def _one(session: Session, statement: Update, claim: Claim) -> None:
    done = session.execute(statement, execution_options={"synchronize_session": False})
    if not isinstance(done, CursorResult) or done.rowcount != 1:
        noun = claim.kind.__name__.lower()
        raise LeaseLost(f"The claim on {noun} {claim.id} is held by another process now; this one stops.")
