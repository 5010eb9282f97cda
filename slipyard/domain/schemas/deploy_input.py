"""Bodies of the calls that build, ship and go back."""

from typing import ClassVar

from pydantic import Field

from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.schemas.app_input import EnvVars
from slipyard.domain.schemas.incoming import Incoming

_COMMIT = r"^[0-9a-f]{40}([0-9a-f]{24})?$"


class Forced(Incoming):
    force: bool = Field(default=False, description="Go past what is in the way; needs a reason, which is recorded")
    reason: str = Field("", max_length=1000)

    @property
    def force_reason(self) -> str | None:
        """`ValidationFailed` where it is forced without saying why."""
        if self.force and not self.reason.strip():
            problem = FieldProblem("reason", "is needed with force")
            raise ValidationFailed("Say in `reason` why this is forced: it is recorded.", details=[problem])
        return self.reason.strip() if self.force else None


class Deploy(Forced):
    """Everything is optional: image apps resolve their tag again, git apps build the head of their branch."""

    other_names: ClassVar[dict[str, str]] = {
        "env": "env_vars",
        "environment": "env_vars",
        "image_uri": "image",
        "image_url": "image",
    }

    image: str | None = Field(None, min_length=1, max_length=512)
    ref: str | None = Field(None, min_length=1, max_length=255, description="A branch or tag instead of the app's own")
    commit: str | None = Field(None, pattern=_COMMIT, description="Full commit id")
    replicas: int | None = Field(None, ge=0, le=100, description="For this release only")
    env_vars: EnvVars | None = Field(None, description="Merged, for this release only")
    rollback: bool = Field(default=False, description="Go back to the release before instead")
    no_cache: bool = False
    title: str = Field("", max_length=255)
    description: str = Field("", max_length=5000)


class DeployImage(Incoming):
    """Makes the source of the app an image, and deploys it."""

    other_names: ClassVar[dict[str, str]] = {"image": "image_uri", "image_url": "image_uri"}

    image_uri: str = Field(min_length=1, max_length=512, examples=["registry.example.com/shop:1.4.2"])
    commit: str | None = Field(None, pattern=_COMMIT)
    title: str = Field("", max_length=255)


class Promote(Forced):
    """Exactly one of `to` and `from`: the other app is the one in the path."""

    other_names: ClassVar[dict[str, str]] = {"source": "from", "target": "to", "deployment_id": "deployment"}

    to: str | None = Field(None, min_length=1, max_length=100, description="Id or slug of the app that gets the image")
    from_app: str | None = Field(
        None, alias="from", min_length=1, max_length=100, description="Id or slug of the app that has the image"
    )
    deployment: str | None = Field(None, max_length=100, description="Of the source; default: the one that is live")
    title: str = Field("", max_length=255)


class Lock(Incoming):
    other_names: ClassVar[dict[str, str]] = {"message": "reason"}

    reason: str = Field("", max_length=1000)


class Maintenance(Incoming):
    enabled: bool
    message: str = Field("", max_length=1000, description="Stands on the page")


class Reject(Incoming):
    reason: str = Field("", max_length=1000)


class RollBack(Incoming):
    other_names: ClassVar[dict[str, str]] = {}

    deployment_id: str | None = Field(None, description="Default: the release before the active one")
    force: bool = Field(default=False, description="Also where the app is locked")
