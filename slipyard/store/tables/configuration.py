"""The environment and the secrets of an app, every version of both, and the stores elsewhere that secrets come from."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from slipyard.domain.configuration import VersionEntry
from slipyard.store.columns import Json, UtcTime


class EnvVar(SQLModel, table=True):
    __tablename__ = "env_var"

    app_id: str = Field(foreign_key="app.id", primary_key=True)
    name: str = Field(primary_key=True)
    value_encrypted: bytes
    fingerprint: str
    updated_at: datetime = Field(sa_type=UtcTime)


class SecretRow(SQLModel, table=True):
    """A value that is written and never shown, or the place in a store elsewhere where it is read for each release."""

    __tablename__ = "secret"

    app_id: str = Field(foreign_key="app.id", primary_key=True)
    name: str = Field(primary_key=True)
    content_encrypted: bytes  # a domain.configuration.Secret, as JSON
    fingerprint: str
    updated_at: datetime = Field(sa_type=UtcTime)


class ConfigVersion(SQLModel, table=True):
    """What environment and secrets were after a change. Never changed after it was written."""

    __tablename__ = "config_version"

    app_id: str = Field(foreign_key="app.id", primary_key=True)
    number: int = Field(primary_key=True)
    content_encrypted: bytes  # a domain.configuration.Configuration, as JSON
    entries: list[VersionEntry] = Field(sa_type=Json(list[VersionEntry]))
    actor: str
    summary: str
    created_at: datetime = Field(sa_type=UtcTime)


class SecretStoreRow(SQLModel, table=True):
    """Where secrets are read from for the apps of an organization; how, is as secret as they are."""

    __tablename__ = "secret_store"
    __table_args__ = (Index("secret_store_name", "organization_id", "name", unique=True),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    name: str
    kind: str  # file, command, vault
    settings_encrypted: bytes
    created_at: datetime = Field(sa_type=UtcTime)
