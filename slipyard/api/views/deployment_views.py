"""Deployments with what is to be looked up for them: their images, their way here, and what they wait for."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from slipyard.api.views.chains import chain_of
from slipyard.api.views.waiting import waits_of
from slipyard.domain.lifecycle import is_over
from slipyard.domain.schemas.work_output import DeploymentView
from slipyard.store.tables import Deployment, Release

_LOOKED_UP = {"image", "waits_for", "queue_position", "chain"}


def deployment_views(session: Session, rows: Sequence[Deployment]) -> list[DeploymentView]:
    """In the order of `rows`."""
    images, waits = _images(session, rows), waits_of(session, rows)
    views = []
    for row in rows:
        wait = waits.get(row.id)
        fields = row.model_dump(include=set(DeploymentView.model_fields) - _LOOKED_UP)
        changed = {
            "image": row.image or images.get(row.release_id or ""),
            "status": str(row.status),
            "spans": row.spans,
            "progress": None if is_over(row.status) else row.progress,
            "waits_for": wait.reason if wait else None,
            "queue_position": wait.position if wait else None,
            "chain": chain_of(session, row),
        }
        views.append(DeploymentView(**fields | changed))
    return views


def _images(session: Session, rows: Sequence[Deployment]) -> dict[str, str]:
    """The image of each release that these deployments made live."""
    ids = {row.release_id for row in rows if row.release_id}
    query = select(col(Release.id), col(Release.config)).where(col(Release.id).in_(ids))
    return {release_id: config.image.reference for release_id, config in session.exec(query)}
