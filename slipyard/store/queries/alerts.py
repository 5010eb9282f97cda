"""Alerts of an app, those that are to be looked at, and what of rows they are about."""

from sqlmodel import Session, col, select

from slipyard.domain.errors import NotFound
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.store.queries.instances import OCCUPIED
from slipyard.store.tables import Alert, App, Deployment, Instance

_OVER = (
    DeploymentStatus.ACTIVE,
    DeploymentStatus.SUPERSEDED,
    DeploymentStatus.FAILED,
    DeploymentStatus.ROLLED_BACK,
)


def alerts_of(session: Session, app_id: str) -> list[Alert]:
    """In the order of making."""
    return list(session.exec(select(Alert).where(Alert.app_id == app_id).order_by(col(Alert.id))))


def find_alert(session: Session, app_id: str, alert_id: str) -> Alert:
    found = session.exec(select(Alert).where(Alert.app_id == app_id, Alert.id == alert_id)).first()
    if found is None:
        raise NotFound(f"This app has no alert {alert_id!r}; GET .../alerts lists them.")
    return found


def alerts_to_judge(session: Session) -> list[Alert]:
    """Those that are on, of every app that is not being deleted; by app."""
    query = select(Alert).join(App, col(App.id) == col(Alert.app_id))
    query = query.where(col(Alert.enabled).is_(True), col(App.deleting_at).is_(None), col(App.deleted_at).is_(None))
    return list(session.exec(query.order_by(col(Alert.app_id), col(Alert.id))))


def troubles_of(session: Session, app_id: str) -> list[str]:
    """What is wrong with its instances now, as sentences."""
    query = select(Instance.trouble).where(Instance.app_id == app_id, col(Instance.status).in_(OCCUPIED))
    return [trouble for trouble in session.exec(query) if trouble is not None]


def last_outcome(session: Session, app_id: str) -> Deployment | None:
    """The newest deployment that ended by itself: one that was cancelled says nothing."""
    query = select(Deployment).where(Deployment.app_id == app_id, col(Deployment.status).in_(_OVER))
    return session.exec(query.order_by(col(Deployment.number).desc())).first()
