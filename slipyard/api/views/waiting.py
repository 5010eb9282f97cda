"""Why something waits, and for how many others of its kind."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import BuildStatus
from slipyard.store.queries.builds import UNFINISHED_BUILDS
from slipyard.store.queries.deployments import AT_WORK, WAITING
from slipyard.store.tables import Build, Deployment

UNDER_WAY = frozenset({BuildStatus.RUNNING, *AT_WORK})


@dataclass(frozen=True)
class Waits:
    """`position` counts from 1, among all that wait for a worker of the same kind; None where no worker is waited for."""

    reason: str
    position: int | None = None


def waits_of(session: Session, rows: Sequence[Build | Deployment]) -> dict[str, Waits]:
    """By id, of those that have no outcome yet."""
    open_rows = [
        row for row in rows if row.status in UNDER_WAY or row.status in WAITING or row.status in UNFINISHED_BUILDS
    ]
    if not open_rows:
        return {}
    busy = _busy(session, {row.app_id for row in open_rows})
    return {row.id: _waits(session, row, busy) for row in open_rows}


def _waits(session: Session, row: Build | Deployment, busy: dict[str, str]) -> Waits:
    if isinstance(row, Deployment) and row.parked is not None:
        return Waits(row.progress or "Waits for its next step.")
    if row.status in UNDER_WAY:
        holder = row.claim_holder
        return Waits(f"Worked on by {holder}." if holder else "Between two workers; it is resumed.")
    if isinstance(row, Deployment) and row.release_id is None and row.image is None:
        return _waits_for_build(session, row)
    kind = "build" if isinstance(row, Build) else "deployment"
    ahead = busy.get(f"{kind} {row.app_id}")
    if ahead is not None:
        return Waits(f"Waits for its turn: {ahead}", _position(session, row))
    return Waits("Waits for a free worker.", _position(session, row))


def _waits_for_build(session: Session, row: Deployment) -> Waits:
    build = session.get(Build, row.build_id) if row.build_id else None
    if build is None or build.status is not BuildStatus.QUEUED:
        return Waits(f"Waits for build {build.number}, which runs." if build else "Waits for its build.")
    position = _position(session, build)
    return Waits(f"Waits for build {build.number}, which is number {position} in the queue.", position)


def _position(session: Session, row: Build | Deployment) -> int:
    if isinstance(row, Build):
        before = select(func.count()).where(col(Build.status) == BuildStatus.QUEUED, col(Build.id) < row.id)
    else:
        ready = col(Deployment.release_id).is_not(None) | col(Deployment.image).is_not(None)
        before = select(func.count()).where(
            col(Deployment.status).in_(WAITING), col(Deployment.parked).is_(None), ready, col(Deployment.id) < row.id
        )
    return session.exec(before).one() + 1


def _busy(session: Session, app_ids: set[str]) -> dict[str, str]:
    """A sentence about what is under way, by kind and app."""
    builds = select(Build).where(col(Build.app_id).in_(app_ids), col(Build.status) == BuildStatus.RUNNING)
    deployments = select(Deployment).where(col(Deployment.app_id).in_(app_ids), col(Deployment.status).in_(AT_WORK))
    found = {f"build {row.app_id}": f"build {row.number} of the same app is under way." for row in session.exec(builds)}
    return found | {f"deployment {row.app_id}": _ahead(row) for row in session.exec(deployments)}


def _ahead(row: Deployment) -> str:
    if row.cancel_reason is not None:
        return f"deployment {row.number} is being ended, and gives its requests back first."
    how_far = f" {row.progress}" if row.progress else ""
    return f"deployment {row.number} of the same app is under way.{how_far}"
