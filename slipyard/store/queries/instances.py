"""Instances and routes: what should run where, and what must still be put away."""

from collections.abc import Collection

from sqlalchemy import func
from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.store.tables import Deployment, Instance

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


def running_by_service(session: Session, app_ids: Collection[str]) -> dict[str, dict[tuple[str, InstanceStatus], int]]:
    """By app: how many instances of what is active there are, by service and status."""
    query = (
        select(Instance.app_id, Instance.service, Instance.status, func.count())
        .join(Deployment, col(Deployment.id) == col(Instance.deployment_id))
        .where(col(Instance.app_id).in_(app_ids), col(Deployment.status) == DeploymentStatus.ACTIVE)
        .group_by(col(Instance.app_id), col(Instance.service), col(Instance.status))
    )
    found: dict[str, dict[tuple[str, InstanceStatus], int]] = {}
    for app_id, service, status, count in session.exec(query):
        found.setdefault(app_id, {})[service, InstanceStatus(status)] = count
    return found


def addresses_in_use(session: Session, app_id: str) -> set[str]:
    """Of every instance that may still have a container: none of them may be issued."""
    query = select(Instance.address).where(Instance.app_id == app_id, col(Instance.status).in_(OCCUPIED))
    return set(session.exec(query))
