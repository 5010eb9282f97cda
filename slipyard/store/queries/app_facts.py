"""What the status of an app is computed from, for many apps in four queries."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import case, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from slipyard.domain.app_status import AppFacts
from slipyard.domain.healing import is_crash_loop
from slipyard.domain.lifecycle import DeploymentStatus, InstanceStatus
from slipyard.store.queries.deployments import WAITING
from slipyard.store.tables import App, Deployment, Instance, Release

_AT_ONCE = 500  # parameters of one query


@dataclass(frozen=True)
class _Latest:
    status: DeploymentStatus
    error: str | None
    held: str | None


@dataclass
class _Standing:
    """Routed instances that serve and are well, all whose container may still be there, and what is wrong with one."""

    serving: int = 0
    occupied: int = 0
    trouble: str | None = None
    crash_loop: bool = False


def app_facts(session: Session, app_ids: Sequence[str]) -> dict[str, AppFacts]:
    """By app id; ids of no app are left out."""
    facts: dict[str, AppFacts] = {}
    for some in _chunks(app_ids):
        facts |= _facts_of(session, some)
    return facts


def _facts_of(session: Session, app_ids: Sequence[str]) -> dict[str, AppFacts]:
    apps = session.execute(
        select_columns(
            col(App.id), col(App.deleting_at), col(App.deleted_at), col(App.stopped), col(App.asleep_since).is_not(None)
        ).where(col(App.id).in_(app_ids))
    ).all()
    latest, wanted = _latest(session, app_ids), _wanted(session, app_ids)
    standing = _standing(session, app_ids)
    return {
        app_id: AppFacts(
            deleting=deleting_at is not None,
            removed=deleted_at is not None,
            stopped=stopped,
            latest=latest[app_id].status if app_id in latest else None,
            active=app_id in wanted,
            wanted=wanted.get(app_id, 0),
            asleep=asleep,
            serving=0 if asleep else standing[app_id].serving,
            occupied=standing[app_id].occupied,
            trouble=standing[app_id].trouble,
            crash_loop=standing[app_id].crash_loop,
            last_error=latest[app_id].error if app_id in latest else None,
            held=latest[app_id].held if app_id in latest else None,
        )
        for app_id, deleting_at, deleted_at, stopped, asleep in apps
    }


def _latest(session: Session, app_ids: Sequence[str]) -> dict[str, _Latest]:
    """The counter of the app is the number of its latest deployment."""
    is_held = (
        col(Deployment.status).in_(WAITING)
        & col(Deployment.parked).is_not(None)
        & (col(Deployment.release_id).is_not(None) | col(Deployment.image).is_not(None))
    )
    held = case((is_held, col(Deployment.progress)), else_=None)
    query = (
        select(col(Deployment.app_id), col(Deployment.status), col(Deployment.error), held)
        .join(App, col(Deployment.app_id) == col(App.id))
        .where(col(App.id).in_(app_ids), col(Deployment.number) == col(App.last_deployment))
    )
    return {app_id: _Latest(status, error, held) for app_id, status, error, held in session.exec(query)}


def _wanted(session: Session, app_ids: Sequence[str]) -> dict[str, int]:
    """Routed instances that the active deployment asks for; no entry where none is active."""
    query = (
        select_columns(col(Deployment.app_id), col(Release.config), col(App.scaled_to))
        .join(App, col(App.id) == col(Deployment.app_id))
        .join(Release, col(Deployment.release_id) == col(Release.id))
        .where(col(Deployment.app_id).in_(app_ids), col(Deployment.status) == DeploymentStatus.ACTIVE)
    )
    found = [(app_id, config.scaled(count).routed) for app_id, config, count in session.execute(query)]
    return {app_id: routed.replicas if routed else 0 for app_id, routed in found}


def _standing(session: Session, app_ids: Sequence[str]) -> dict[str, _Standing]:
    found: defaultdict[str, _Standing] = defaultdict(_Standing)
    routed = col(Instance.port).is_not(None)
    well = col(Instance.trouble).is_(None) & col(Instance.resting_since).is_(None)
    is_well = case((routed & well, 1), else_=0)
    query = (
        select_columns(col(Instance.app_id), col(Instance.status), is_well, func.count(), func.max(Instance.trouble))
        .where(col(Instance.app_id).in_(app_ids), col(Instance.status) != InstanceStatus.RETIRED)
        .group_by(col(Instance.app_id), col(Instance.status), is_well)
    )
    for app_id, status, serves_well, count, trouble in session.execute(query):
        standing = found[app_id]
        standing.occupied += count
        if status is InstanceStatus.SERVING:
            standing.serving += count if serves_well else 0
            standing.trouble = trouble or standing.trouble
            standing.crash_loop |= is_crash_loop(trouble)
    return found


def _chunks(app_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(app_ids), _AT_ONCE):
        yield app_ids[start : start + _AT_ONCE]
