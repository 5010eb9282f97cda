"""What the answers about apps need beside the rows, for one or for many, in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from slipyard.api.views.app_view import Live, Surroundings
from slipyard.api.views.deployment_views import deployment_views
from slipyard.domain.lifecycle import InstanceStatus
from slipyard.store.queries.app_facts import app_facts
from slipyard.store.queries.deployments import active_deployments, list_deployments
from slipyard.store.queries.domains import domains_by_app
from slipyard.store.queries.instances import running_by_service
from slipyard.store.queries.polls import polls_of
from slipyard.store.queries.volumes import volumes_by_app
from slipyard.store.tables import App, Delivery, Hook, Instance, Release

_LAST_DEPLOYMENTS = 20


def surroundings(session: Session, apps: Sequence[App]) -> dict[str, Surroundings]:
    """By app id."""
    ids = [app.id for app in apps]
    facts, live = app_facts(session, ids), _live(session, ids)
    hooks, deliveries, polls = _hooks(session, ids), _last_deliveries(session, ids), polls_of(session, ids)
    names, running = domains_by_app(session, ids), running_by_service(session, ids)
    volumes = volumes_by_app(session, ids)
    return {
        app_id: Surroundings(
            facts[app_id],
            live.get(app_id),
            hooks.get(app_id),
            deliveries.get(app_id),
            poll=polls.get(app_id),
            own_names=names.get(app_id, ()),
            running=running.get(app_id, {}),
            volumes=volumes.get(app_id, ()),
        )
        for app_id in ids
    }


def surroundings_of(session: Session, app: App) -> Surroundings:
    """With the last deployments, for the detail."""
    around = surroundings(session, [app])[app.id]
    rows, _ = list_deployments(session, app.id, _LAST_DEPLOYMENTS, 0)
    return replace(around, deployments=deployment_views(session, rows))


def _live(session: Session, app_ids: Sequence[str]) -> dict[str, Live]:
    active = active_deployments(session, app_ids)
    releases = {row.release_id for row in active.values() if row.release_id}
    configs = dict(
        session.exec(select(col(Release.id), col(Release.config)).where(col(Release.id).in_(releases))).all()
    )
    containers = _containers(session, app_ids)
    return {
        app_id: Live(row, row.release_id, configs.get(row.release_id or ""), containers.get(app_id))
        for app_id, row in active.items()
    }


def _containers(session: Session, app_ids: Sequence[str]) -> dict[str, str | None]:
    query = select(Instance.app_id, func.min(Instance.container_id)).where(
        col(Instance.app_id).in_(app_ids), col(Instance.status) == InstanceStatus.SERVING
    )
    return dict(session.exec(query.group_by(col(Instance.app_id))).all())


def _hooks(session: Session, app_ids: Sequence[str]) -> dict[str, Hook]:
    query = select(Hook).where(col(Hook.app_id).in_(app_ids), col(Hook.deleted_at).is_(None))
    return {hook.app_id: hook for hook in session.exec(query.order_by(col(Hook.id).desc()))}


def _last_deliveries(session: Session, app_ids: Sequence[str]) -> dict[str, datetime]:
    query = select(Delivery.app_id, func.max(Delivery.received_at)).where(col(Delivery.app_id).in_(app_ids))
    return dict(session.exec(query.group_by(col(Delivery.app_id))).all())
