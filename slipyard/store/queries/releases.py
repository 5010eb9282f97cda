"""Releases of an app."""

from sqlmodel import Session, col, select

from slipyard.domain.errors import NotFound
from slipyard.store.queries.paging import page
from slipyard.store.tables import Release


def list_releases(session: Session, app_id: str, limit: int, offset: int) -> tuple[list[Release], int]:
    """Newest first."""
    query = select(Release).where(Release.app_id == app_id).order_by(col(Release.number).desc())
    return page(session, query, limit, offset)


def find_release(session: Session, app_id: str, release_id: str) -> Release:
    release = session.exec(select(Release).where(Release.app_id == app_id, Release.id == release_id)).first()
    if release is None:
        raise NotFound(f"This app has no release {release_id!r}; GET .../releases lists them.")
    return release
