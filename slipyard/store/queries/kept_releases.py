"""Which releases stay deployable. Kept for a living app: what is active or under way, and the newest that served before.
Of an app that is being deleted nothing is kept but its history."""

from sqlalchemy import ColumnElement, Select, func
from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.store.queries.deployments import UNFINISHED_DEPLOYMENTS
from slipyard.store.tables import App, Deployment, Release

LIVE_OR_COMING = (DeploymentStatus.ACTIVE, *UNFINISHED_DEPLOYMENTS)


def kept_releases(session: Session, keep: int, app_id: str | None = None) -> list[Release]:
    """Of every living app, or of one; `keep` counts the releases that served before, beside the active one."""
    query = select(Release).join(App, col(Release.app_id) == col(App.id)).where(is_living())
    query = query.where(col(Release.id).in_(_live_or_coming()) | col(Release.id).in_(_served_before(keep)))
    if app_id is not None:
        query = query.where(Release.app_id == app_id)
    return list(session.exec(query.order_by(col(Release.app_id), col(Release.number))))


def is_living() -> ColumnElement[bool]:
    return col(App.deleting_at).is_(None) & col(App.deleted_at).is_(None)


def _live_or_coming() -> Select[str | None]:
    return select(col(Deployment.release_id)).where(
        col(Deployment.status).in_(LIVE_OR_COMING), col(Deployment.release_id).is_not(None)
    )


def _served_before(keep: int) -> Select[str]:
    """What `deployment_before` may lead to: a release that went bad is not among them."""
    superseded = select(col(Deployment.release_id)).where(
        col(Deployment.status) == DeploymentStatus.SUPERSEDED, col(Deployment.release_id).is_not(None)
    )
    place = func.row_number().over(partition_by=col(Release.app_id), order_by=col(Release.number).desc())
    served = (
        select(col(Release.id).label("id"), place.label("place"))
        .where(col(Release.id).in_(superseded), col(Release.id).not_in(_live_or_coming()))
        .subquery()
    )
    return select(served.c.id).where(served.c.place <= keep)
