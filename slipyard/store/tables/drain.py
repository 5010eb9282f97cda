"""Where output is forwarded to."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from slipyard.store.columns import UtcTime


class LogDrain(SQLModel, table=True):
    """`kind` is syslog, http or loki. How far it is, and what it dropped, is a file: it changes with every batch."""

    __tablename__ = "log_drain"

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    app_id: str | None = None  # None: all apps of the organization
    name: str
    kind: str
    url_encrypted: bytes
    authorization_encrypted: bytes | None = None  # the header's whole value
    tenant: str | None = None  # of Loki
    enabled: bool = True
    created_at: datetime = Field(sa_type=UtcTime)
