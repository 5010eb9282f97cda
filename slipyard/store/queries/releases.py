"""Releases of an app."""

from sqlmodel import Session, col, select

from slipyard.domain.errors import NotFound
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.store.queries.paging import page
from slipyard.store.tables import Deployment, Release


def list_releases(session: Session, app_id: str, limit: int, offset: int) -> tuple[list[Release], int]:
    """Newest first."""
    query = select(Release).where(Release.app_id == app_id).order_by(col(Release.number).desc())
    return page(session, query, limit, offset)


def find_release(session: Session, app_id: str, release_id: str) -> Release:
    release = session.exec(select(Release).where(Release.app_id == app_id, Release.id == release_id)).first()
    if release is None:
        raise NotFound(f"This app has no release {release_id!r}; GET .../releases lists them.")
    return release


def latest_release(session: Session, app_id: str) -> Release | None:
    query = select(Release).where(Release.app_id == app_id).order_by(col(Release.number).desc())
    return session.exec(query).first()


def active_release(session: Session, app_id: str) -> Release | None:
    query = select(Release).join(Deployment, col(Deployment.release_id) == col(Release.id))
    active = query.where(Deployment.app_id == app_id, Deployment.status == DeploymentStatus.ACTIVE)
    return session.exec(active).first()
