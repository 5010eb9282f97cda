"""The outbox: what is due, who sends it, and how it went."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import CursorResult, and_, exists, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from slipyard.store.queries.paging import page
from slipyard.store.tables import App, Message


def untold_apps(session: Session, limit: int = 100) -> list[str]:
    """Those with events that nobody was told of yet."""
    query = select(App.id).where(col(App.last_event) > col(App.last_told))
    return list(session.exec(query.order_by(col(App.id)).limit(limit)))


def due_messages(session: Session, now: datetime, without: Collection[str] = (), limit: int = 50) -> list[Message]:
    """The first of each lane, where its time has come; the longest waiting first. `without`: targets and kinds."""
    earlier = aliased(Message)
    comes_before = or_(
        col(earlier.sequence) < col(Message.sequence),
        and_(col(earlier.sequence) == col(Message.sequence), col(earlier.id) < col(Message.id)),
    )
    held_up = exists().where(col(earlier.lane) == col(Message.lane), col(earlier.finished_at).is_(None), comes_before)
    query = select(Message).where(col(Message.finished_at).is_(None), col(Message.next_at) <= now, ~held_up)
    query = query.where(col(Message.target_id).not_in(without), col(Message.kind).not_in(without))
    return list(session.exec(query.order_by(col(Message.next_at), col(Message.id)).limit(limit)))


def are_waiting(session: Session) -> bool:
    return session.exec(select(Message.id).where(col(Message.finished_at).is_(None)).limit(1)).first() is not None


def taking_back(session: Session, connection_id: str) -> bool:
    """Whether something that this connection made is still to be removed at its host."""
    waiting = (Message.target_id == connection_id, Message.kind == "take_back", col(Message.finished_at).is_(None))
    return session.exec(select(Message.id).where(*waiting).limit(1)).first() is not None


def claim_message(session: Session, message: Message, until: datetime) -> bool:
    """Whether it is the caller's to send until then. Another one who has read the same row gets False."""
    mine = [col(Message.id) == message.id, col(Message.attempts) == message.attempts]
    changed = session.execute(
        update(Message)
        .where(*mine, col(Message.finished_at).is_(None))
        .values(attempts=message.attempts + 1, next_at=until)
    )
    return isinstance(changed, CursorResult) and changed.rowcount == 1


def message_by_key(session: Session, key: str) -> Message | None:
    return session.exec(select(Message).where(Message.key == key)).first()


def list_messages(session: Session, app_id: str, limit: int, offset: int) -> tuple[list[Message], int]:
    """Newest first."""
    query = select(Message).where(Message.app_id == app_id)
    return page(session, query.order_by(col(Message.sequence).desc(), col(Message.id).desc()), limit, offset)
