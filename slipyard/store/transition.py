"""The only writer of a status."""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from slipyard.domain.errors import LeaseLost, StatusConflict
from slipyard.domain.lifecycle import Status, moves_from
from slipyard.store.events import lock_app, record
from slipyard.store.tables import Build, Deployment, Instance

Row = Build | Deployment | Instance
# The row that the statement gives back is the one in the session, whatever that said before: no second query for it.
_AS_WRITTEN = {"populate_existing": True, "synchronize_session": False}


def transition(
    session: Session,
    row: Row,
    to: Status,
    *,
    now: datetime,
    message: str,
    claim: str | None = None,
    **columns: Any,
) -> None:
    """Moves `row` to `to` with `columns`, and records it as an event, in the caller's transaction. `row` was read in
    this `session`.

    Raises `StatusConflict` for a move that is not in the table or whose row has moved meanwhile, and `LeaseLost` where
    `claim` is given and no longer holds the row. `row` shows the new values afterwards.
    """
    kind = type(row)
    if to not in moves_from(row.status):
        raise StatusConflict(f"{_noun(row)} {row.id} is {row.status}, which never becomes {to}; look at its events.")
    lock_app(session, row.app_id)
    condition = [col(kind.id) == row.id, col(kind.status) == row.status]
    if claim is not None and not isinstance(row, Instance):
        condition.append(col(kind.claim_token) == claim)  # type: ignore[union-attr]
    moved = update(kind).where(*condition).values(status=to, **columns).returning(kind)
    if session.scalars(moved, execution_options=_AS_WRITTEN).first() is None:
        _refuse(row, to, claim)
    record(session, row.app_id, f"{_noun(row)}.{to}", message, now=now, **{f"{_noun(row)}_id": row.id})


def _refuse(row: Row, to: Status, claim: str | None) -> None:
    sentence = f"{_noun(row)} {row.id} was to become {to} from {row.status}, but another process changed it meanwhile."
    raise LeaseLost(sentence) if claim is not None else StatusConflict(sentence)


def _noun(row: Row) -> str:
    return type(row).__name__.lower()
