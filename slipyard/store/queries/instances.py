"""Instances and routes: what should run where, and what must still be put away."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.store.tables import Instance

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


def addresses_in_use(session: Session, app_id: str) -> set[str]:
    """Of every instance that may still have a container: none of them may be issued."""
    query = select(Instance.address).where(Instance.app_id == app_id, col(Instance.status).in_(OCCUPIED))
    return set(session.exec(query))
