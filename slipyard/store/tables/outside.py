"""Systems elsewhere: how we get into them, what we watch there, and what we tell them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from slipyard.store.columns import Json, UtcTime


class GitCredentialRow(SQLModel, table=True):
    """A secret for one git host: `kind` token and basic carry a password, ssh a private key."""

    __tablename__ = "git_credential"
    __table_args__ = (Index("git_credential_name", "organization_id", "name", unique=True),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    name: str
    host: str  # with its port where that is not the scheme's own
    kind: str  # token, basic, ssh
    username: str = "git"
    secret_encrypted: bytes
    public_key: str | None = None  # of an ssh key: what the host must know
    known_hosts: str = ""  # lines of the host's own keys; empty: the first one seen is kept here
    app_id: str | None = None  # a deploy key that was made for one app
    created_at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)


class RegistryLogin(SQLModel, table=True):
    """A name and a secret for one registry, sent nowhere else."""

    __tablename__ = "registry_login"
    __table_args__ = (Index("registry_login_host", "organization_id", "host", unique=True),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    host: str  # as image references name it, with its port: docker.io, ghcr.io, registry.example.com:5000
    username: str
    secret_encrypted: bytes
    created_at: datetime = Field(sa_type=UtcTime)


class Connection(SQLModel, table=True):
    """A token for the API of a code host. It is bound to `host` and sent nowhere else."""

    __tablename__ = "connection"
    __table_args__ = (Index("connection_host", "organization_id", "provider", "host", unique=True),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    provider: str  # github, gitlab, gitea, forgejo, bitbucket
    host: str  # of its repositories: github.com
    api_url: str
    account: str = ""  # who the token is, as the host says
    token_encrypted: bytes
    created_at: datetime = Field(sa_type=UtcTime)


class Notifier(SQLModel, table=True):
    """Who wants to be told of what. `kind` webhook: a signed request (Standard Webhooks); apprise: one of its URLs."""

    __tablename__ = "notifier"

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    app_id: str | None = None  # None: all apps of the organization
    name: str
    kind: str
    url_encrypted: bytes
    secret_encrypted: bytes | None = None  # signs what a webhook sends
    events: list[str] = Field(sa_type=Json(list[str]))  # deployed, failed, rolled_back, healed
    enabled: bool = True
    failed_in_a_row: int = 0
    last_error: str | None = None
    created_at: datetime = Field(sa_type=UtcTime)


class Message(SQLModel, table=True):
    """The outbox: what must be told, written down once and sent until it arrived or was given up."""

    __tablename__ = "message"
    __table_args__ = (
        Index("message_once", "key", unique=True),
        Index(
            "message_lane",
            "lane",
            "sequence",
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
        Index(
            "message_due",
            "next_at",
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    key: str  # what makes it one: <event>:<target>
    app_id: str = Field(foreign_key="app.id", index=True)
    kind: str  # status, github_deployment, comment, webhook, notification
    target_id: str  # of the connection, notifier or preview
    lane: str  # messages of one lane are sent in order: a status must not be overtaken by an older one
    sequence: int = 0  # that order: of the app's event which it tells of
    payload: dict[str, Any] = Field(sa_type=Json(dict[str, Any]))
    attempts: int = 0
    next_at: datetime = Field(sa_type=UtcTime)
    error: str | None = None
    created_at: datetime = Field(sa_type=UtcTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcTime)
    delivered: bool = False


class Preview(SQLModel, table=True):
    """A pull or merge request of an app, and the app that shows it. Rows of closed ones stay, for the history."""

    __tablename__ = "preview"
    __table_args__ = (
        Index(
            "preview_open",
            "app_id",
            "number",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id", index=True)  # the one that is previewed
    preview_app_id: str | None = Field(default=None, foreign_key="app.id")
    number: int
    provider: str
    repository: str
    head_ref: str
    head_commit: str
    fork: bool = False
    fork_url: str | None = None  # of a fork that is read itself, since the host keeps its commits nowhere else
    approved_commit: str | None = None  # of a fork: the one commit that somebody let in
    title: str = ""
    author: str = ""
    url: str = ""
    comment_id: str | None = None  # ours at the provider: edited, never repeated
    told: str = ""  # digest of the comment that was written down last
    reason: str = ""  # why it is not shown, or was closed
    seen_at: datetime = Field(sa_type=UtcTime)  # its last commit: the age that counts
    created_at: datetime = Field(sa_type=UtcTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Poll(SQLModel, table=True):
    """When an app's branch or tag is looked at next, and how the last look went."""

    __tablename__ = "poll"

    app_id: str = Field(foreign_key="app.id", primary_key=True)
    next_at: datetime = Field(sa_type=UtcTime, index=True)
    failures: int = 0  # in a row
    error: str | None = None
    seen: str | None = None  # commit or digest
    refs: dict[str, str] | None = Field(default=None, sa_type=Json(dict[str, str]))  # further ones that triggers name
    looked_at: datetime | None = Field(default=None, sa_type=UtcTime)


class CiTrust(SQLModel, table=True):
    """CI jobs that may exchange their identity token for a token that deploys this app."""

    __tablename__ = "ci_trust"

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id", index=True)
    issuer: str
    repository: str  # owner/name, as the token's claim says it
    repository_id: str | None = None  # the provider's own, of the first job that came: a name may change hands
    ref: str  # refs/heads/main; a glob
    audience: str
    created_at: datetime = Field(sa_type=UtcTime)
