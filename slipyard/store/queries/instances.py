"""Instances and routes: what should run where, and what must still be put away."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.store.tables import Instance, RouteRow

OCCUPIED = tuple(status for status in InstanceStatus if status is not InstanceStatus.RETIRED)


def instances_of(session: Session, app_id: str, statuses: Collection[InstanceStatus] = OCCUPIED) -> list[Instance]:
    """In the order of making. Without `statuses`: all whose container may still be there."""
    query = select(Instance).where(Instance.app_id == app_id, col(Instance.status).in_(statuses))
    return list(session.exec(query.order_by(col(Instance.id))))


def writing_instances(session: Session, app_id: str, kept: Collection[str]) -> list[Instance]:
    """Whose output can be read: where a container may be, and those of whom it was kept."""
    there = col(Instance.status).in_(OCCUPIED) | col(Instance.id).in_(kept)
    query = select(Instance).where(Instance.app_id == app_id, there)
    return list(session.exec(query.order_by(col(Instance.id))))


def instances_of_deployment(
    session: Session, deployment_id: str, statuses: Collection[InstanceStatus] = OCCUPIED
) -> list[Instance]:
    """By service and ordinal."""
    query = select(Instance).where(Instance.deployment_id == deployment_id, col(Instance.status).in_(statuses))
    return list(session.exec(query.order_by(col(Instance.service), col(Instance.ordinal), col(Instance.id))))


def instances_with(session: Session, statuses: Collection[InstanceStatus]) -> list[Instance]:
    """Of every app: what the controller compares with the engine, and what it puts away."""
    query = select(Instance).where(col(Instance.status).in_(statuses))
    return list(session.exec(query.order_by(col(Instance.app_id), col(Instance.id))))


def instance_of_container(session: Session, container_id: str) -> Instance | None:
    """Whose container an event of the engine is about."""
    return session.exec(select(Instance).where(Instance.container_id == container_id)).first()


def addresses_in_use(session: Session, app_id: str) -> set[str]:
    """Of every instance that may still have a container: none of them may be issued."""
    query = select(Instance.address).where(Instance.app_id == app_id, col(Instance.status).in_(OCCUPIED))
    return set(session.exec(query))


def route_of(session: Session, app_id: str) -> RouteRow | None:
    return session.get(RouteRow, app_id)


def unapplied_routes(session: Session) -> list[RouteRow]:
    """Intents that the files of the router may not show yet: recovery rolls them forward."""
    query = select(RouteRow).where(col(RouteRow.applied).is_(False))
    return list(session.exec(query.order_by(col(RouteRow.app_id))))
