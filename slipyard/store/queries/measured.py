"""What is to be measured: everything whose container may run, and the limits that it was given."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select as columns  # SQLModel's own takes four at the most
from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import InstanceStatus
from slipyard.domain.release import ReleaseConfig
from slipyard.store.queries.instances import OCCUPIED
from slipyard.store.tables import App, Instance, Release

_AT_ONCE = 500  # parameters of one query


@dataclass(frozen=True)
class Subject:
    """An instance with a container."""

    id: str
    app_id: str
    release_id: str
    service: str
    container_id: str
    address: str
    port: int | None
    status: InstanceStatus

    @property
    def is_current(self) -> bool:
        """Neither on its way out nor kept for a way back: what its service is made of."""
        return self.status in {InstanceStatus.STARTED, InstanceStatus.READY, InstanceStatus.SERVING}


@dataclass(frozen=True)
class Limits:
    """Of one instance of a service. `cpu` in cores, `memory` in bytes."""

    cpu: float
    memory: int


@dataclass(frozen=True)
class ReleaseLimits:
    """`routed` is the service that requests are for."""

    by_service: Mapping[str, Limits]
    routed: str | None


def subjects(session: Session) -> list[Subject]:
    """Of every app that is not at rest, without the mapper's work for each row."""
    asleep = select(App.id).where(col(App.rested_at).is_not(None))
    query = columns(
        col(Instance.id),
        col(Instance.app_id),
        col(Instance.release_id),
        col(Instance.service),
        col(Instance.container_id),
        col(Instance.address),
        col(Instance.port),
        col(Instance.status),
    ).where(
        col(Instance.status).in_(OCCUPIED),
        col(Instance.container_id).is_not(None),
        col(Instance.app_id).not_in(asleep),
    )
    return [Subject(*row) for row in session.execute(query)]


def services_by_instance(
    session: Session, app_ids: Collection[str], statuses: Collection[InstanceStatus] = OCCUPIED
) -> dict[str, str]:
    """The service of each instance of these apps, by default of those that may be there."""
    ordered = sorted(app_ids)
    found: dict[str, str] = {}
    for start in range(0, len(ordered), _AT_ONCE):
        of_apps = col(Instance.app_id).in_(ordered[start : start + _AT_ONCE])
        query = select(Instance.id, Instance.service).where(of_apps, col(Instance.status).in_(statuses))
        found.update(session.exec(query).all())
    return found


def limits_of(session: Session, release_ids: Collection[str]) -> dict[str, ReleaseLimits]:
    """Releases never change, so a caller asks once for each."""
    ordered, found = sorted(release_ids), {}
    for start in range(0, len(ordered), _AT_ONCE):
        query = columns(col(Release.id), col(Release.config))
        for release_id, config in session.execute(query.where(col(Release.id).in_(ordered[start : start + _AT_ONCE]))):
            found[release_id] = _limits(config)
    return found


def app_ids_there(session: Session) -> set[str]:
    """Of apps that were not removed, also of those that are being deleted."""
    return set(session.exec(select(App.id).where(col(App.deleted_at).is_(None))))


def _limits(config: ReleaseConfig) -> ReleaseLimits:
    limits = {
        each.name: Limits(each.resources.millicores / 1000, each.resources.memory_bytes) for each in config.services
    }
    return ReleaseLimits(limits, config.routed.name if config.routed else None)
