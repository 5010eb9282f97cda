"""What an app is told to be. Stored as one JSON value; every change is a new value."""

from pydantic import Field, model_validator

from slipyard.domain.autoscaling import AutoscaleRules
from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.freeze import FreezeWindow
from slipyard.domain.health import Command, HealthCheck
from slipyard.domain.resources import Resources
from slipyard.domain.rollout import RolloutRules
from slipyard.domain.service import ServiceConfig, ServiceName
from slipyard.domain.source import Source
from slipyard.domain.triggers import Triggers
from slipyard.domain.values import Value

DEFAULT_PORT = 3000
MOST_INSTANCES = 20  # the slots of a route, see deployer/router.py


class AppConfig(Value):
    source: Source = Source()
    port: int | None = Field(None, ge=1, le=65535, description="Default: the image's only EXPOSE, else 3000")
    health_check: HealthCheck = HealthCheck()
    resources: Resources = Resources()
    min_instances: int = Field(1, ge=0, le=MOST_INSTANCES)
    max_instances: int = Field(1, ge=1, le=MOST_INSTANCES)
    scale_to_zero: bool = Field(default=False, description="Sleeps while nobody asks for it; needs min_instances 0")
    idle_timeout_minutes: int = Field(15, ge=1, le=10_080, description="Without a request until it sleeps")
    sleep_workers: bool = Field(default=False, description="Services that get no requests sleep and wake with it")
    autoscale: AutoscaleRules | None = Field(None, description="Between min_instances and max_instances")
    auto_deploy: bool = True
    watch_paths: list[str] = Field(default_factory=list)
    triggers: Triggers = Triggers()
    build_cache: bool = True
    rollout: RolloutRules = RolloutRules()
    release_command: Command | None = Field(None, description="Runs once in the new image before it starts")
    before_deploy: Command | None = Field(None, description="The same for every deployment, also one that goes back")
    after_deploy: Command | None = Field(None, description="Once all requests go to the new release")
    protected: bool = Field(default=False, description="Deployments wait for approval by somebody else than who asked")
    freeze: tuple[FreezeWindow, ...] = Field((), max_length=50, description="Nothing new goes live meanwhile")
    command_seconds: float = Field(600.0, gt=0, le=86_400, description="How long each of them may take")
    services: dict[ServiceName, ServiceConfig] = Field(
        default_factory=dict, max_length=50, description="Over what the repository says of them, and beside"
    )

    @model_validator(mode="after")
    def _may_be_none(self) -> "AppConfig":
        if self.scale_to_zero and self.min_instances > 0:
            raise ValidationFailed(
                f"An app that sleeps while nobody asks has no instance then, and min_instances is {self.min_instances}:"
                " set it to 0, or turn scale_to_zero_enabled off.",
                details=[FieldProblem("min_instances", "not 0")],
            )
        return self

    @property
    def least_instances(self) -> int:
        """What sleeps may be none, and once awake it is one."""
        return max(1, self.min_instances) if self.scale_to_zero else self.min_instances
