"""One page of a list and how long the list is."""

from typing import TypeVar

from sqlalchemy import func
from sqlmodel import Session, select
from sqlmodel.sql.expression import SelectOfScalar

T = TypeVar("T")


def page(session: Session, query: SelectOfScalar[T], limit: int, offset: int) -> tuple[list[T], int]:
    """The rows of the page, and the number of all rows. `query` is ordered by its caller."""
    total = session.exec(select(func.count()).select_from(query.order_by(None).subquery())).one()
    return list(session.exec(query.limit(limit).offset(offset))), total
