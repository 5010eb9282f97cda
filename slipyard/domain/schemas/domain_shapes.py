"""Domains of an app: what is asked and what is answered."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from slipyard.domain.schemas.certificate_shapes import CertificateSource
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing

Name = Annotated[str, Field(min_length=1, max_length=300, examples=["www.example.com"])]
Path = Annotated[str, Field(min_length=1, max_length=300, examples=["/api"])]
Status = Literal[301, 302, 303, 307, 308]


class AddDomain(Incoming):
    other_names = {"host": "domain", "name": "domain", "domain_name": "domain"}  # noqa: RUF012 - a table

    domain: Name = Field(description="International names too; `*.` in front stands for one label")
    path: Path = Field("/", description="What lies below it; several apps of an organization may share a name")
    strip_prefix: bool = Field(False, description="The app is asked without `path`")
    redirect_to: Name | None = Field(None, description="Visitors are sent to this host, with path and query")
    redirect_status: Status = 308
    www: bool = Field(False, description="The name with `www.` in front (or without) is added too, and leads here")


class ChangeDomain(Incoming):
    path: Path | None = None
    strip_prefix: bool | None = None
    redirect_to: Name | None = Field(None, description="null: the app answers")
    redirect_status: Status | None = None


class ProofView(Outgoing):
    """A TXT record that the owner of the name sets; it is looked for again and again."""

    record_name: str
    record_type: Literal["TXT"] = "TXT"
    record_value: str
    checked_at: datetime | None
    last_error: str | None


class DomainView(Outgoing):
    id: str
    app_id: str
    domain: str
    path: str
    strip_prefix: bool
    redirect_to: str | None
    redirect_status: int
    url: str
    status: Literal["active", "pending"] = Field(description="pending: leads nowhere until the proof is there")
    verified_at: datetime | None
    proof: ProofView | None = Field(description="While it is pending")
    certificate: CertificateSource = Field(description="Who makes the one that visitors get")
    certificate_until: datetime | None = Field(description="The end of the one that visitors were last seen to get")
    certificate_error: str | None = Field(description="Why they got none")
    created_by: str
    created_at: datetime


class DomainList(Outgoing):
    domains: list[DomainView]
    total: int
