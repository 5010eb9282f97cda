"""Tokens, one-time links, and answers kept for Idempotency-Key."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from slipyard.store.columns import Json, UtcTime


class Token(SQLModel, table=True):
    """256 random bits, kept as SHA-256; shown once."""

    __tablename__ = "token"

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    name: str
    digest: str = Field(unique=True)
    scopes: list[str] = Field(sa_type=Json(list[str]))
    person: str | None = None  # whose it is: one person may have many, and approves nothing of their own
    created_by: str | None = None  # the token with which it was made
    app_id: str | None = Field(default=None, index=True)  # good for this app only
    created_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)


class LoginLink(SQLModel, table=True):
    """Lets one browser in once."""

    __tablename__ = "login_link"

    digest: str = Field(primary_key=True)
    token_id: str = Field(foreign_key="token.id")
    expires_at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)


class KeptAnswer(SQLModel, table=True):
    """The first answer to an Idempotency-Key, bound to principal and route; kept 24 h."""

    __tablename__ = "kept_answer"

    principal: str = Field(primary_key=True)
    route: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_digest: str
    status: int | None = None  # None: the first request is still being answered
    body: str = ""
    created_at: datetime = Field(sa_type=UtcTime)
