"""The base of every value that is stored as JSON or travels over HTTP."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """Immutable, and strict about names: an unknown field is an error, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")
