"""Tokens of the API and one-time links for browsers. Only their SHA-256 is stored, so a stolen database opens nothing."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, or_, update
from sqlmodel import Session, col, select

from slipyard.domain.ids import new_id
from slipyard.store.tables import LoginLink, Token

LOGIN_LINK_LIFETIME = timedelta(minutes=15)
_PREFIX = "sly_"
_RANDOM_BYTES = 32  # 43 characters of base64


def new_secret() -> str:
    return _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def digest_of(secret: str) -> str:
    """A plain hash is enough for 256 random bits; slow hashes are for what people choose."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def new_token(
    session: Session,
    organization_id: str,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    *,
    expires_at: datetime | None = None,
    app_id: str | None = None,
) -> tuple[Token, str]:
    """The stored token, and its secret, which nobody can see again. With `app_id` it is good for that app only."""
    secret = new_secret()
    token = add_token(session, organization_id, name, scopes, secret, now=now, expires_at=expires_at)
    token.app_id = app_id
    session.flush()
    return token, secret


def belongs_to(session: Session, token: Token, person: str | None, creator_id: str) -> None:
    """Who makes a token without saying for whom makes it for themselves."""
    token.person, token.created_by = person or person_of(session, creator_id), creator_id
    session.add(token)
    session.flush()


def person_of(session: Session, token_id: str) -> str:
    """Whose token that is. One that says nothing, or was pruned, is a person of its own."""
    token = session.get(Token, token_id)
    return token.person if token is not None and token.person else token_id


def names_of(session: Session, person: str) -> set[str]:
    """Under which their deployments may be noted: their own, and those of their tokens, also of revoked ones."""
    tokens = select(Token.name).where(or_(col(Token.person) == person, col(Token.id) == person))
    return {person, *session.exec(tokens)}


def add_token(
    session: Session,
    organization_id: str,
    name: str,
    scopes: Sequence[str],
    secret: str,
    *,
    now: datetime,
    expires_at: datetime | None = None,
) -> Token:
    """Stores a token whose secret exists already: the one in admin.token."""
    token = Token(
        id=new_id("tok"),
        organization_id=organization_id,
        name=name,
        digest=digest_of(secret),
        scopes=list(scopes),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(token)
    session.flush()
    return token


def find_token(session: Session, secret: str, now: datetime) -> Token | None:
    """None for a token that is unknown, expired or revoked: who asks learns no difference."""
    token = session.exec(select(Token).where(Token.digest == digest_of(secret))).first()
    return token if token is not None and is_usable(token, now) else None


def is_usable(token: Token, now: datetime) -> bool:
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > now)


def note_use(session: Session, token_id: str, now: datetime) -> None:
    """For `last_used_at`; a write, so callers keep it off the path of the answer and do it at most once a minute."""
    session.execute(update(Token).where(col(Token.id) == token_id).values(last_used_at=now))


def revoke_token(session: Session, organization_id: str, token_id: str, now: datetime) -> bool:
    """False where there is nothing to revoke. What was revoked stays revoked, with its first time."""
    live = update(Token).where(
        col(Token.id) == token_id, col(Token.organization_id) == organization_id, col(Token.revoked_at).is_(None)
    )
    return _changed_one(session.execute(live.values(revoked_at=now)))


def list_tokens(session: Session, organization_id: str) -> list[Token]:
    query = select(Token).where(Token.organization_id == organization_id, col(Token.revoked_at).is_(None))
    return list(session.exec(query.order_by(col(Token.id).desc())))


def new_login_link(session: Session, token_id: str, now: datetime) -> str:
    """The secret of a link that lets one browser in, once, within 15 minutes."""
    secret = secrets.token_urlsafe(_RANDOM_BYTES)
    session.add(LoginLink(digest=digest_of(secret), token_id=token_id, expires_at=now + LOGIN_LINK_LIFETIME))
    session.flush()
    return secret


def use_login_link(session: Session, secret: str, now: datetime) -> Token | None:
    """Uses the link up. None where it is unknown, used or too old, or its token is no longer good."""
    digest = digest_of(secret)
    fresh = update(LoginLink).where(
        col(LoginLink.digest) == digest, col(LoginLink.used_at).is_(None), col(LoginLink.expires_at) > now
    )
    if not _changed_one(session.execute(fresh.values(used_at=now))):
        return None
    query = select(Token).join(LoginLink, col(LoginLink.token_id) == col(Token.id)).where(LoginLink.digest == digest)
    token = session.exec(query).one()
    return token if is_usable(token, now) else None


def _changed_one(done: object) -> bool:
    return isinstance(done, CursorResult) and done.rowcount == 1
