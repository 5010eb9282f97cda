"""Volumes: data that outlives the containers of an app."""

from pydantic import Field

from slipyard.domain.values import Value


class Mount(Value):
    """Where a service finds a volume of its app."""

    volume: str = Field(description="Its name")
    path: str = Field(pattern=r"^/[^\x00]*$", max_length=1000)
    read_only: bool = False
