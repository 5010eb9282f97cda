"""Connections to code hosts: what is asked and what is answered. A token goes in and never comes out."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing


class CreateConnection(Incoming):
    provider: Literal["github", "gitlab", "gitea", "forgejo", "bitbucket"] = Field(examples=["github"])
    url: str | None = Field(
        None,
        min_length=1,
        max_length=2048,
        description="Of an installation of one's own",
        examples=["https://git.example.com"],
    )
    token: str = Field(min_length=1, max_length=16384, repr=False, description="Sent to this host alone, never shown")


class ConnectionView(Outgoing):
    id: str
    provider: str
    host: str = Field(description="Of its repositories; apps whose repo_url lies there use this connection")
    api_url: str
    account: str = Field(description="Whose token it is, as the host says")
    created_at: datetime


class ConnectionList(Outgoing):
    connections: list[ConnectionView]
    total: int
