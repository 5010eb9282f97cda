"""What an installation says of itself."""

from pydantic import Field

from slipyard.domain.schemas.outgoing import Outgoing


class Part(Outgoing):
    name: str
    ok: bool
    detail: str = Field(description="A version where it answers, else what is wrong")


class SystemView(Outgoing):
    installation_id: str
    version: str
    python: str
    domain: str
    read_only: bool
    parts: list[Part]


class Health(Outgoing):
    status: str
