"""What an app can begin with: a directory of files that goes live as it is."""

from pydantic import Field

from slipyard.domain.values import Value


class Template(Value):
    id: str = Field(description="The name of its directory")
    name: str = Field(max_length=100)
    description: str = Field(max_length=1000)
