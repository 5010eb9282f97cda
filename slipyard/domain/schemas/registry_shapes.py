"""Logins at registries: what is asked and what is answered, never with the password."""

from datetime import datetime

from pydantic import Field

from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing


class KeepRegistry(Incoming):
    """A second login for the same registry takes the place of the first."""

    host: str = Field(min_length=1, max_length=260, examples=["ghcr.io"], description="With a port where it has one")
    username: str = Field(min_length=1, max_length=255)
    password: str = Field(
        min_length=1, max_length=16 * 1024, repr=False, description="Or a token; only ever sent there"
    )


class TryRegistry(Incoming):
    image: str | None = Field(None, max_length=1024, examples=["ghcr.io/me/shop:1"], description="May this be pulled?")


class RegistryView(Outgoing):
    id: str
    host: str
    username: str
    created_at: datetime


class RegistryList(Outgoing):
    registries: list[RegistryView]
    total: int


class RegistryTest(Outgoing):
    success: bool
    message: str
    digest: str | None = Field(description="Of the image, where one was asked for")
