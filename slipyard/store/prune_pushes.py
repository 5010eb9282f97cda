"""Old pushes go with their deliveries; what says where a ref stands, and which commits came before it, stays."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Subquery, case, delete, func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, or_

from slipyard.domain.push_rules import Rule
from slipyard.store.queries.pushes import DECIDED
from slipyard.store.tables import Push

_KEPT_OF_A_REF = 20  # of the old ones: late messages are told from new ones by those around them


def prune_pushes(session: Session, now: datetime, kept: timedelta) -> int:
    """How many older than `kept` were removed; the caller commits.

    Of a ref that was never decided, or is gone, all of them. Of any other the newest 20 stay, and before those the last
    one that was decided and the last that was deployed. What waits for its check stays until that ends.
    """
    old = _old(now - kept)
    needed = or_(old.c.id == old.c.last_decided, old.c.id == old.c.last_accepted, old.c.place <= _KEPT_OF_A_REF)
    forgotten = or_(old.c.last_decided.is_(None), old.c.last_rule == Rule.DELETED)
    removed = delete(Push).where(col(Push.id).in_(select_columns(old.c.id).where(or_(forgotten, ~needed))))
    done = session.execute(removed.execution_options(synchronize_session=False))
    return done.rowcount if isinstance(done, CursorResult) else 0


def _old(before: datetime) -> Subquery[Any]:
    """With what is known of the ref at that time."""
    ref, newest_first = [col(Push.app_id), col(Push.ref)], col(Push.id).desc()
    columns = (
        col(Push.id),
        func.row_number().over(partition_by=ref, order_by=newest_first).label("place"),
        func.first_value(col(Push.rule)).over(partition_by=ref, order_by=newest_first).label("last_rule"),
        _last(col(Push.decision).in_(DECIDED)).label("last_decided"),
        _last(col(Push.decision) == "accepted").label("last_accepted"),
    )
    return select_columns(*columns).where(col(Push.created_at) < before, col(Push.decision) != "held").subquery()


def _last(chosen: ColumnElement[bool]) -> ColumnElement[str | None]:
    """An id is larger the later it was made."""
    return func.max(case((chosen, col(Push.id)))).over(partition_by=[col(Push.app_id), col(Push.ref)])
