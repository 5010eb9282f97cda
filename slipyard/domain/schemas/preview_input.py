"""Bodies of the calls about previews."""

from typing import ClassVar

from pydantic import Field

from slipyard.domain.schemas.incoming import Incoming

COMMIT = r"^[0-9a-f]{40}([0-9a-f]{24})?$"


class OpenPreview(Incoming):
    """A branch to be shown, without a request."""

    other_names: ClassVar[dict[str, str]] = {"ref": "branch"}

    branch: str = Field(min_length=1, max_length=255, examples=["feature/login"])
    commit: str | None = Field(None, pattern=COMMIT, description="Default: the branch's head")


class ApprovePreview(Incoming):
    commit: str = Field(pattern=COMMIT, description="The one that you have looked at, and no other")
