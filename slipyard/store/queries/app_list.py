"""Lists of apps, filtered as the API offers it."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from slipyard.domain.app_status import AppStatus, app_status
from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.store.queries.app_facts import app_facts
from slipyard.store.queries.paging import page
from slipyard.store.tables import App

SORTABLE = ("created_at", "updated_at", "last_deployed_at", "name", "slug")


@dataclass(frozen=True)
class AppFilter:
    """`organization_id` None means all of them, for Slipyard itself. `labels` must all be there with these values."""

    organization_id: str | None
    app_id: str | None = None  # this one at the most
    statuses: frozenset[AppStatus] = frozenset()
    environment: str | None = None
    search: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    include_deleted: bool = False
    sort: str = "created_at:desc"
    limit: int = 20
    offset: int = 0


def list_apps(session: Session, wanted: AppFilter) -> tuple[list[App], int]:
    """The page and the number of all that match. Raises `ValidationFailed` for a sort that is not offered."""
    query = select(App).where(*_conditions(wanted)).order_by(*_order(wanted.sort))
    if not wanted.statuses and not wanted.labels:
        return page(session, query, wanted.limit, wanted.offset)
    matching = _matching_ids(session, wanted)
    return _in_order(session, matching[wanted.offset : wanted.offset + wanted.limit]), len(matching)


def _conditions(wanted: AppFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.organization_id is not None:
        conditions.append(col(App.organization_id) == wanted.organization_id)
    if wanted.app_id is not None:
        conditions.append(col(App.id) == wanted.app_id)
    if not wanted.include_deleted:
        conditions.append(col(App.deleted_at).is_(None))
    if wanted.environment is not None:
        conditions.append(col(App.environment) == wanted.environment)
    if wanted.search:
        found_in_name = col(App.name).icontains(wanted.search, autoescape=True)
        conditions.append(found_in_name | col(App.description).icontains(wanted.search, autoescape=True))
    return conditions


def _order(sort: str) -> list[ColumnElement[Any]]:
    name, _, direction = sort.partition(":")
    if name not in SORTABLE or direction not in {"", "asc", "desc"}:
        raise ValidationFailed(
            f"Apps cannot be sorted by {sort!r}: use one of {', '.join(SORTABLE)}, with :asc or :desc.",
            details=[FieldProblem("sort", f"one of {', '.join(SORTABLE)}")],
        )
    chosen, identifier = col(getattr(App, name)), col(App.id)  # ids make the order of equals the same on every page
    if direction == "desc":
        return [chosen.desc().nulls_last(), identifier.desc()]
    return [chosen.asc().nulls_last(), identifier.asc()]


def _matching_ids(session: Session, wanted: AppFilter) -> list[str]:
    """Labels are one JSON value and statuses are computed, so both are judged here, on ids and labels alone."""
    query = select(App.id, App.labels).where(*_conditions(wanted)).order_by(*_order(wanted.sort))
    labelled = [app_id for app_id, labels in session.exec(query) if wanted.labels.items() <= labels.items()]
    if not wanted.statuses:
        return labelled
    facts = app_facts(session, labelled)
    return [app_id for app_id in labelled if app_status(facts[app_id])[0] in wanted.statuses]


def _in_order(session: Session, app_ids: list[str]) -> list[App]:
    found = {app.id: app for app in session.exec(select(App).where(col(App.id).in_(app_ids)))}
    return [found[app_id] for app_id in app_ids]
