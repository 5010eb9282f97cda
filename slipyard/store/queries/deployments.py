"""Deployments of an app, and those that wait for a worker."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from slipyard.domain.errors import NotFound
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.store.events import lock_app, record
from slipyard.store.queries.paging import page
from slipyard.store.tables import Build, Deployment, Release

WAITING = (DeploymentStatus.PENDING, DeploymentStatus.BUILDING)
COMMIT_KNOWN = "deployment.commit_known"
AT_WORK = (DeploymentStatus.DEPLOYING, DeploymentStatus.VERIFYING)
UNFINISHED_DEPLOYMENTS = (*WAITING, *AT_WORK)


def list_deployments(session: Session, app_id: str, limit: int, offset: int) -> tuple[list[Deployment], int]:
    """Newest first."""
    return page(session, _of(app_id).order_by(col(Deployment.number).desc()), limit, offset)


def find_deployment(session: Session, app_id: str, deployment_id: str) -> Deployment:
    found = session.exec(_of(app_id).where(Deployment.id == deployment_id)).first()
    if found is None:
        raise NotFound(f"This app has no deployment {deployment_id!r}; GET .../deployments lists them.")
    return found


def active_deployment(session: Session, app_id: str) -> Deployment | None:
    return session.exec(_of(app_id).where(Deployment.status == DeploymentStatus.ACTIVE)).first()


def active_deployments(session: Session, app_ids: Iterable[str]) -> dict[str, Deployment]:
    """By app id, for lists."""
    active = select(Deployment).where(Deployment.status == DeploymentStatus.ACTIVE)
    return {row.app_id: row for row in session.exec(active.where(col(Deployment.app_id).in_(list(app_ids))))}


def unfinished_deployments(session: Session, app_id: str) -> list[Deployment]:
    """Without an outcome yet, oldest first."""
    unfinished = _of(app_id).where(col(Deployment.status).in_(UNFINISHED_DEPLOYMENTS))
    return list(session.exec(unfinished.order_by(col(Deployment.number))))


def deployment_before(session: Session, app_id: str, number: int) -> Deployment | None:
    """The deployment that "roll back" means, seen from the one with this number.

    It served once and gave way to a later one without going bad, and its release is the newest that is older than the
    one of `number`. By release, not by deployment: a restart is no step back, and after going back once, going back
    again leads further back instead of forward to what was left.
    """
    release_number = (
        select(Release.number)
        .join(Deployment, col(Deployment.release_id) == col(Release.id))
        .where(Deployment.app_id == app_id, Deployment.number == number)
    )
    current = session.exec(release_number).first()
    served = (
        _of(app_id)
        .join(Release, col(Deployment.release_id) == col(Release.id))
        .where(Deployment.status == DeploymentStatus.SUPERSEDED, col(Deployment.number) < number)
    )
    older = served if current is None else served.where(col(Release.number) < current)
    return session.exec(older.order_by(col(Release.number).desc(), col(Deployment.number).desc())).first()


def note_commit(session: Session, build_id: str, commit: str, now: datetime) -> None:
    """What a branch's head turned out to be, noted before it is built: where it fails, its commit is known too, and was
    told to be on its way. Another attempt finds it noted."""
    lock_app(session, session.get_one(Build, build_id).app_id)
    waiting = select(Deployment).where(Deployment.build_id == build_id, col(Deployment.status).in_(WAITING))
    for row in session.exec(waiting.order_by(col(Deployment.id))).all():
        if row.commit == commit:
            continue
        row.commit = commit
        session.add(row)
        message = f"Deployment {row.number} is of commit {commit[:12]}."
        record(session, row.app_id, COMMIT_KNOWN, message, now=now, deployment_id=row.id)


def _of(app_id: str) -> SelectOfScalar[Deployment]:
    return select(Deployment).where(Deployment.app_id == app_id)
