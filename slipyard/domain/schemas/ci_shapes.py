"""CI jobs that may deploy, and what they exchange."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing

Repository = Annotated[str, Field(min_length=3, max_length=255, pattern=r"^[^\s/]+(/[^\s/]+)+$")]


class CreateCiTrust(Incoming):
    """Who may deploy: jobs of this repository, at this branch or tag."""

    other_names: ClassVar[dict[str, str]] = {"project_path": "repository"}

    provider: Literal["github", "gitlab"] | None = Field(None, description="Their public hosts; else give issuer")
    issuer: str | None = Field(None, max_length=512, examples=["https://gitlab.example.org"])
    repository: Repository = Field(examples=["acme/shop"])
    ref: str | None = Field(
        None, min_length=6, max_length=255, pattern=r"^refs/",
        description="A glob such as refs/tags/v*; default: the app's branch",
    )  # fmt: skip
    audience: str | None = Field(None, min_length=1, max_length=512, description="Default: the URL of Slipyard")


class CiTrustView(Outgoing):
    id: str
    app_id: str
    issuer: str
    repository: str
    repository_id: str | None = Field(
        description="The provider's own, of the first job that came; another one is refused"
    )
    ref: str
    audience: str
    created_at: datetime


class CiTrustList(Outgoing):
    ci_trusts: list[CiTrustView]
    total: int


class ExchangeIdentity(Incoming):
    other_names: ClassVar[dict[str, str]] = {"id_token": "token"}

    token: str = Field(min_length=1, max_length=16384, description="The identity token of the job")
    app: str | None = Field(None, max_length=100, description="Id or slug, where the job may deploy several")


class ExchangedToken(Outgoing):
    token: str
    expires_at: datetime
    scopes: list[str]
    app_id: str
    app: str
