"""Rows that are of no use after a while. Each function answers how many it removed; the caller commits."""

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, Delete, delete
from sqlmodel import Session, col

from slipyard.store.tables import Delivery, KeptAnswer, LoginLink, Message

DELIVERIES_KEPT = timedelta(days=30)  # providers send a delivery again for days, and it must be known again
ANSWERS_KEPT = timedelta(hours=24)
MESSAGES_KEPT = timedelta(days=30)


def prune_deliveries(session: Session, now: datetime) -> int:
    """Those older than 30 days; one that is not decided stays until it is."""
    old = col(Delivery.received_at) < now - DELIVERIES_KEPT
    return _removed(session, delete(Delivery).where(old, col(Delivery.verdict).is_not(None)))


def prune_kept_answers(session: Session, now: datetime) -> int:
    """Those older than 24 h, given or not: whoever was to give them is gone."""
    return _removed(session, delete(KeptAnswer).where(col(KeptAnswer.created_at) < now - ANSWERS_KEPT))


def prune_login_links(session: Session, now: datetime) -> int:
    """Those that let nobody in any more."""
    return _removed(session, delete(LoginLink).where(col(LoginLink.expires_at) < now))


def prune_messages(session: Session, now: datetime) -> int:
    """What arrived or was given up more than 30 days ago."""
    return _removed(session, delete(Message).where(col(Message.finished_at) < now - MESSAGES_KEPT))


def _removed(session: Session, statement: Delete) -> int:
    done = session.execute(statement)
    return done.rowcount if isinstance(done, CursorResult) else 0
