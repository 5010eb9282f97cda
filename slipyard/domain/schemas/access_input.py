"""Bodies of the calls about tokens and webhooks."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from slipyard.domain.schemas.incoming import Incoming

Scope = Literal["apps:read", "apps:write", "apps:deploy", "admin"]


class CreateToken(Incoming):
    name: str = Field(min_length=1, max_length=100, examples=["ci"])
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)]
    expires_at: AwareDatetime | None = Field(None, description="UTC, RFC 3339; never by default")

    @property
    def expiry(self) -> datetime | None:
        return self.expires_at


class CreateHook(Incoming):
    provider: Literal["github"] = "github"
