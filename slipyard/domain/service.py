"""What a service of an app is told to be: a process of the app's own image, or one with an image of its own."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from slipyard.domain.health import Command, HealthCheck
from slipyard.domain.resources import Resources
from slipyard.domain.values import Value
from slipyard.domain.volume import Mount

MOST_REPLICAS = 100
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=255)]
ServiceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", examples=["worker"])]


class Condition(StrEnum):
    """What must be true of a service before one that depends on it starts. Compose calls them `service_*`."""

    STARTED = "started"
    HEALTHY = "healthy"
    COMPLETED = "completed"  # it ran to its end with exit code 0: see `one_shot`


class Dependency(Value):
    service: ServiceName
    condition: Condition = Condition.HEALTHY


class ServiceConfig(Value):
    """None, everywhere: what the manifest, the Procfile, the app or the image says. A service without `image` and `build` runs
    the app's own image."""

    image: str | None = Field(None, max_length=500, description="Reference; pulled and pinned at its first deployment")
    build: str | None = Field(None, max_length=100, description="Name of an image that is built from the app's source")
    command: Command | None = Field(None, description="In place of the image's CMD")
    entrypoint: Command | None = Field(None, description="In place of the image's ENTRYPOINT")
    port: int | None = Field(None, ge=1, le=65535, description="Where it listens")
    public: bool | None = Field(None, description="Requests from outside go to it; default: the one called web")
    replicas: int | None = Field(None, ge=0, le=MOST_REPLICAS)
    resources: Resources | None = None
    health_check: HealthCheck | None = None
    depends_on: tuple[Dependency, ...] | None = Field(None, max_length=50)
    env: dict[VariableName, str] | None = Field(None, repr=False, description="Of its own; wins over the app's")
    secret_files: dict[str, str] | None = Field(None, description="Of its own: the name of a secret, by path")
    mounts: tuple[Mount, ...] | None = Field(None, max_length=50)
    stop_grace_seconds: float | None = Field(
        None, ge=0, le=3600, description="Between its stop signal and its end by force"
    )
    one_shot: bool | None = Field(None, description="Runs to its end once in each deployment; 0 is success")
    aliases: tuple[ServiceName, ...] | None = Field(None, max_length=20, description="More names in the app's network")
    stopped: bool | None = Field(None, description="None of it runs until it is started")

    def over(self, other: "ServiceConfig | None") -> "ServiceConfig":
        """What this one says, and for the rest what the other one says. Variables are joined."""
        if other is None:
            return self
        told = {name: getattr(self, name) for name in type(self).model_fields if getattr(self, name) is not None}
        both = {
            name: {**(getattr(other, name) or {}), **told[name]} for name in ("env", "secret_files") if name in told
        }
        return other.model_copy(update=told | both)
