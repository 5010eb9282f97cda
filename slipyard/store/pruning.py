"""Rows that are of no use after a while. Each function answers how many it removed; the caller commits."""

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, Delete, Update, delete, func, update
from sqlmodel import Session, col, select

from slipyard.store.tables import CheckSeen, Decision, Delivery, KeptAnswer, LoginLink, Message, Token

DELIVERIES_KEPT = timedelta(days=30)  # providers send a delivery again for days, and it must be known again
ANSWERS_KEPT = timedelta(hours=24)
CHECKS_KEPT = timedelta(days=30)
MESSAGES_KEPT = timedelta(days=30)
JOB_TOKENS_KEPT = timedelta(days=1)


def prune_deliveries(session: Session, now: datetime, kept: timedelta = DELIVERIES_KEPT) -> int:
    """Those older than `kept`, with what was decided about them; one that is not decided stays until it is."""
    old = (col(Delivery.received_at) < now - kept, col(Delivery.verdict).is_not(None))
    session.execute(delete(Decision).where(col(Decision.delivery_id).in_(select(Delivery.id).where(*old))))
    return _removed(session, delete(Delivery).where(*old))


def prune_delivery_bodies(session: Session, most_bytes: int) -> int:
    """The oldest bodies of an app whose deliveries together have more than `most_bytes`; the rows stay. One that is not
    decided keeps its body."""
    size = func.length(Delivery.body)
    newer = func.sum(size).over(partition_by=col(Delivery.app_id), order_by=col(Delivery.id).desc())
    counted = select(Delivery.id, newer.label("bytes")).where(size > 0).subquery()
    over = select(counted.c.id).where(counted.c.bytes > most_bytes)
    decided = col(Delivery.verdict).is_not(None)
    return _removed(session, update(Delivery).where(col(Delivery.id).in_(over), decided).values(body=b""))


def prune_checks(session: Session, now: datetime) -> int:
    """Ends of checks that no push waits for any more."""
    return _removed(session, delete(CheckSeen).where(col(CheckSeen.seen_at) < now - CHECKS_KEPT))


def prune_kept_answers(session: Session, now: datetime) -> int:
    """Those older than 24 h, given or not: whoever was to give them is gone."""
    return _removed(session, delete(KeptAnswer).where(col(KeptAnswer.created_at) < now - ANSWERS_KEPT))


def prune_login_links(session: Session, now: datetime) -> int:
    """Those that let nobody in any more."""
    return _removed(session, delete(LoginLink).where(col(LoginLink.expires_at) < now))


def prune_job_tokens(session: Session, now: datetime) -> int:
    """Tokens of one app that expired a day ago: every job of a CI leaves one behind."""
    linked = select(LoginLink.token_id)
    dead = col(Token.app_id).is_not(None), col(Token.expires_at) < now - JOB_TOKENS_KEPT
    return _removed(session, delete(Token).where(*dead, col(Token.id).not_in(linked)))


def prune_messages(session: Session, now: datetime) -> int:
    """What arrived or was given up more than 30 days ago."""
    return _removed(session, delete(Message).where(col(Message.finished_at) < now - MESSAGES_KEPT))


def _removed(session: Session, statement: Delete | Update) -> int:
    done = session.execute(statement)
    return done.rowcount if isinstance(done, CursorResult) else 0
