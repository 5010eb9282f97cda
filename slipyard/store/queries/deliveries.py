"""The ledger of deliveries, as one app sees it: those to its hooks, and those of other hooks that concerned it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import defer
from sqlmodel import Session, and_, col, or_, select

from slipyard.domain.errors import NotFound
from slipyard.store.tables import App, Build, Decision, Delivery, Deployment, Hook, Push

OPEN = "open"  # in place of a verdict


@dataclass(frozen=True)
class DeliveryFilter:
    verdict: str | None = None
    event: str | None = None
    since: datetime | None = None
    hook_id: str | None = None


@dataclass(frozen=True)
class DeliveryRow:
    """`decision` is the app's own; None where it was not decided yet, or before each app had one."""

    delivery: Delivery
    decision: Decision | None
    provider: str


@dataclass(frozen=True)
class Caused:
    """What came of a delivery, for every app that it concerned. `slugs` by app id."""

    decisions: Sequence[Decision]
    pushes: Sequence[Push]
    deployments: Sequence[Deployment]
    builds: Sequence[Build]
    slugs: dict[str, str]
    replays: Sequence[str]


def list_deliveries(
    session: Session, app_id: str, limit: int, offset: int, wanted: DeliveryFilter | None = None
) -> tuple[list[DeliveryRow], int]:
    """Newest first, without bodies."""
    query = _of_app(app_id).where(*_conditions(wanted or DeliveryFilter()))
    total = session.exec(select(func.count()).select_from(query.subquery())).one()
    newest = query.options(defer(Delivery.body)).order_by(col(Delivery.id).desc())  # type: ignore[arg-type]
    rows = session.exec(newest.limit(limit).offset(offset))
    return [DeliveryRow(*row) for row in rows], total


def find_delivery(session: Session, app_id: str, delivery_id: str) -> DeliveryRow:
    found = session.exec(_of_app(app_id).where(Delivery.id == delivery_id)).first()
    if found is None:
        raise NotFound(f"This app has no delivery {delivery_id!r}; GET .../deliveries lists those that are kept.")
    return DeliveryRow(*found)


def caused_by(session: Session, delivery_id: str) -> Caused:
    decisions = list(session.exec(select(Decision).where(Decision.delivery_id == delivery_id)))
    app_ids = [row.app_id for row in decisions]
    pushes = select(Push).where(col(Push.app_id).in_(app_ids), Push.delivery_id == delivery_id)
    ids = [row.deployment_id for row in decisions if row.deployment_id]
    deployments = list(session.exec(select(Deployment).where(col(Deployment.id).in_(ids))))
    builds = select(Build).where(col(Build.id).in_([row.build_id for row in deployments if row.build_id]))
    slugs = select(App.id, App.slug).where(col(App.id).in_(app_ids))
    replays = select(Delivery.id).where(Delivery.replay_of == delivery_id).order_by(col(Delivery.id))
    return Caused(
        decisions=decisions,
        pushes=list(session.exec(pushes)),
        deployments=deployments,
        builds=list(session.exec(builds)),
        slugs=dict(session.exec(slugs).all()),
        replays=list(session.exec(replays)),
    )


def last_delivered(session: Session, hook_ids: Sequence[str]) -> dict[str, datetime]:
    """By hook. Replays are ours, and no sign of life of the provider."""
    query = (
        select(Delivery.hook_id, func.max(Delivery.received_at))
        .where(col(Delivery.hook_id).in_(hook_ids), col(Delivery.replay_of).is_(None))
        .group_by(col(Delivery.hook_id))
    )
    return dict(session.exec(query).all())


def _of_app(app_id: str) -> Any:  # a Select of Delivery, Decision | None, str: SQLModel has no word for the outer join
    own = and_(col(Decision.delivery_id) == col(Delivery.id), col(Decision.app_id) == app_id)
    query = select(Delivery, Decision, Hook.provider).join(Hook, col(Delivery.hook_id) == col(Hook.id))
    return query.join(Decision, own, isouter=True).where(
        or_(col(Delivery.app_id) == app_id, col(Decision.app_id).is_not(None))
    )


def _conditions(wanted: DeliveryFilter) -> list[ColumnElement[bool]]:
    verdict = func.coalesce(Decision.verdict, Delivery.verdict)
    found: list[ColumnElement[bool]] = []
    if wanted.verdict is not None:
        found.append(verdict.is_(None) if wanted.verdict == OPEN else verdict == wanted.verdict)
    if wanted.event is not None:
        found.append(col(Delivery.event) == wanted.event)
    if wanted.since is not None:
        found.append(col(Delivery.received_at) >= wanted.since)
    if wanted.hook_id is not None:
        found.append(col(Delivery.hook_id) == wanted.hook_id)
    return found
