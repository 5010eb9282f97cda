"""Names of their own that apps answer at, the certificates of these names, and what the router does before an app is asked."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from slipyard.domain.route_rules import RouteRules
from slipyard.store.columns import Json, UtcTime


class Domain(SQLModel, table=True):
    """One name, or one path below it: several apps may share a name, each with paths of its own."""

    __tablename__ = "domain"
    __table_args__ = (Index("domain_place", "host", "path", unique=True),)

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id", index=True)
    organization_id: str = Field(foreign_key="organization.id")
    host: str  # in its xn-- form; `*.` in front stands for one label
    path: str = "/"
    strip_prefix: bool = False
    redirect_to: str | None = None  # another host; None: the app answers
    redirect_status: int = 308
    proof: str  # what a TXT record says where the owner of the name is to show himself
    verified_at: datetime | None = Field(default=None, sa_type=UtcTime)  # None: waits for the proof, and leads nowhere
    proof_checked_at: datetime | None = Field(default=None, sa_type=UtcTime)
    proof_error: str | None = None
    created_by: str
    created_at: datetime = Field(sa_type=UtcTime)


class HostCertificate(SQLModel, table=True):
    """Of a host: the certificate that was brought, if any, and the one that visitors were last seen to get."""

    __tablename__ = "host_certificate"

    host: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    chain: str | None = None  # PEM, the host's own first
    key_encrypted: bytes | None = None  # PEM
    uploaded_at: datetime | None = Field(default=None, sa_type=UtcTime)
    issuer: str | None = None
    not_after: datetime | None = Field(default=None, sa_type=UtcTime)
    last_error: str | None = None
    checked_at: datetime | None = Field(default=None, sa_type=UtcTime)


class RouteRulesRow(SQLModel, table=True):
    """No row: no rules."""

    __tablename__ = "route_rules"

    app_id: str = Field(foreign_key="app.id", primary_key=True)
    rules: RouteRules = Field(sa_type=Json(RouteRules))
    updated_at: datetime = Field(sa_type=UtcTime)
