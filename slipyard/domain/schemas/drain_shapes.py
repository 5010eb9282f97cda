"""Log drains: what is asked and what is answered. URLs may be secrets: of them only the beginning is shown."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from slipyard.domain.drain import DrainKind
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing

Name = Annotated[str, Field(min_length=1, max_length=100, examples=["central logs"])]
Url = Annotated[str, Field(min_length=1, max_length=2048)]
Authorization = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[ -~]+$")]
Tenant = Annotated[str, Field(min_length=1, max_length=150, pattern=r"^[!-~]+$")]


class CreateDrain(Incoming):
    name: Name
    kind: DrainKind
    url: Url = Field(repr=False, examples=["syslog+tls://logs.example.com:6514", "https://loki.example.com"])
    authorization: Authorization | None = Field(None, repr=False, description="The whole header, for http and loki")
    tenant: Tenant | None = Field(None, description="X-Scope-OrgID, for loki")
    app: str | None = Field(None, max_length=100, description="Id or slug; default: every app of the organization")


class ChangeDrain(Incoming):
    name: Name | None = None
    url: Url | None = Field(None, repr=False)
    authorization: Authorization | None = Field(None, repr=False)
    tenant: Tenant | None = None
    enabled: bool | None = None


class DrainView(Outgoing):
    id: str
    app_id: str | None = Field(description="null: every app of the organization")
    name: str
    kind: DrainKind
    target: str = Field(description="Where it goes, without what is secret in its URL")
    tenant: str | None
    enabled: bool
    sent: int = Field(description="Lines that were taken")
    dropped: int = Field(description="Lines for which there was no room, since the target was too slow or away")
    refused: int = Field(description="Lines that the target did not want")
    last_error: str | None = Field(description="null once lines are taken again")
    created_at: datetime


class DrainList(Outgoing):
    log_drains: list[DrainView]
    total: int


class DrainTest(Outgoing):
    success: bool
    message: str
