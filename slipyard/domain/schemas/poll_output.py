"""What a look at a branch or tag elsewhere found."""

from pydantic import Field

from slipyard.domain.schemas.outgoing import Outgoing


class PollAnswer(Outgoing):
    success: bool = Field(description="Whether the host answered")
    message: str
    app_id: str
    status: str = Field(description="deployed, superseded, skipped, ignored, or failed where the host did not answer")
    found: str | None = Field(description="A commit, or the digest of an image")
    deployment_id: str | None
