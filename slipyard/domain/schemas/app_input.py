"""Bodies of POST, PATCH and PUT of apps."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from slipyard.domain.autoscaling import AutoscaleRules
from slipyard.domain.errors import Immutable
from slipyard.domain.freeze import FreezeWindow
from slipyard.domain.health import Command, HealthCheck
from slipyard.domain.naming import check_env_name
from slipyard.domain.plan import LOCAL
from slipyard.domain.resources import Resources
from slipyard.domain.rollout import RolloutRules
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.service import ServiceConfig, ServiceName
from slipyard.domain.source import Source
from slipyard.domain.triggers import Triggers

MAXIMUM_ENV_VALUE = 131_072  # Linux takes no single string of more than 128 KiB in an environment


def _env_names(given: dict[str, str]) -> dict[str, str]:
    return {check_env_name(name): value for name, value in given.items()}


EnvValue = Annotated[str, Field(max_length=MAXIMUM_ENV_VALUE, pattern=r"^[^\x00]*$")]
EnvVars = Annotated[dict[str, EnvValue], Field(max_length=1000), AfterValidator(_env_names)]
LabelKey = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
Labels = Annotated[dict[LabelKey, Annotated[str, Field(max_length=255)]], Field(max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=100, examples=["My shop"])]

_FLAT_NAMES = {
    "env": "env_vars",
    "plan_id": "plan",
    "scale_to_zero": "scale_to_zero_enabled",
    "source_type": "source.type",
    "image": "source.image",
    "image_url": "source.image",
    "image_uri": "source.image",
    "repo_url": "source.repo_url",
    "repo_branch": "source.branch",
    "branch": "source.branch",
    "build_command": "source.build_command",
    "start_command": "source.start_command",
    "dockerfile": "source.dockerfile",
    "subdirectory": "source.subdirectory",
    "build_args": "source.build_args",
    "build_secrets": "source.build_secrets",
    "cpu": "resources.cpu",
    "memory": "resources.memory",
    "strategy": "rollout.strategy",
    "pre_deploy_command": "release_command",
    "pre_deployment_command": "before_deploy",
    "post_deployment_command": "after_deploy",
    "health_check_path": "health_check.path",
    "health_check_command": "health_check.command",
    "health_check_return_code": "health_check.expected_status",
}


class AppFields(Incoming):
    """What create and change have in common. A field that was not sent is not in `model_fields_set`."""

    other_names: ClassVar[dict[str, str]] = _FLAT_NAMES

    description: str = Field("", max_length=2000)
    labels: Labels = Field(default_factory=dict)
    environment: str = Field("production", min_length=1, max_length=63, pattern=r"^[a-z0-9][a-z0-9-]*$")
    source: Source = Source()
    auto_deploy: bool = True
    watch_paths: list[Annotated[str, Field(max_length=1024)]] = Field(default_factory=list, max_length=200)
    triggers: Triggers = Triggers()
    build_cache: bool = True
    rollout: RolloutRules = RolloutRules()
    release_command: Command | None = Field(None, description="Runs once in the new image before it starts")
    before_deploy: Command | None = Field(None, description="The same for every deployment, also one that goes back")
    after_deploy: Command | None = Field(None, description="Once all requests go to the new release")
    protected: bool = Field(default=False, description="Deployments wait for approval by somebody else than who asked")
    freeze: tuple[FreezeWindow, ...] = Field((), max_length=50, description="Nothing new goes live meanwhile")
    command_seconds: float = Field(600.0, gt=0, le=86_400, description="How long each of them may take")
    port: int | None = Field(None, ge=1, le=65535, description="Default: the image's only EXPOSE, else 3000")
    health_check: HealthCheck = HealthCheck()
    env_vars: EnvVars = Field(default_factory=dict, description="Replaces the whole set")
    resources: Resources = Resources()
    services: dict[ServiceName, ServiceConfig] = Field(
        default_factory=dict, max_length=50, description="Replaces what it was told of them; see .../services"
    )
    replicas: int | None = Field(None, ge=0, le=100, description="Sets min_instances and max_instances alike")
    min_instances: int = Field(1, ge=0, le=100)
    max_instances: int = Field(1, ge=1, le=100)

    scale_to_zero_enabled: bool = Field(default=False, description="Sleeps while nobody asks; min_instances becomes 0")
    idle_timeout_minutes: int = Field(15, ge=1, le=10_080, description="Without a request until it sleeps")
    sleep_workers: bool = Field(default=False, description="Services that get no requests sleep and wake with it")
    autoscale: AutoscaleRules | None = Field(None, description="Between min_instances and max_instances; null: off")

    @classmethod
    def _completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        source = given.get("source")
        if isinstance(source, dict) and "type" not in source:
            if source.get("image"):
                source["type"] = "image"
            elif source.get("repo_url"):
                source["type"] = "git"
        return given

    def config_changes(self) -> dict[str, Any]:
        """The given parts of an `AppConfig`, as plain values, nested ones only as far as they were given."""
        given = self.model_dump(exclude_unset=True, include=_CONFIG_FIELDS, mode="json")
        if self.replicas is not None:
            given |= {"min_instances": self.replicas, "max_instances": max(1, self.replicas)}
        return given | self._sleep_changes()

    def _sleep_changes(self) -> dict[str, Any]:
        """Who may sleep may be none: to say both at once is a contradiction that `AppConfig` refuses."""
        if "scale_to_zero_enabled" not in self.model_fields_set:
            return {}
        bounds = self.model_fields_set & {"min_instances", "replicas"}
        least = {} if bounds else {"min_instances": 0 if self.scale_to_zero_enabled else 1}
        return {"scale_to_zero": self.scale_to_zero_enabled, **least}


_CONFIG_FIELDS = {
    "source",
    "port",
    "health_check",
    "resources",
    "min_instances",
    "max_instances",
    "idle_timeout_minutes",
    "sleep_workers",
    "autoscale",
    "auto_deploy",
    "watch_paths",
    "triggers",
    "build_cache",
    "rollout",
    "release_command",
    "before_deploy",
    "after_deploy",
    "command_seconds",
    "protected",
    "freeze",
    "services",
}


class CreateApp(AppFields):
    """Only `name` is required. Without a source, the source is the app's own git remote."""

    name: Name
    slug: str | None = Field(None, description="Default: made from the name")
    template_id: str | None = Field(
        None, max_length=63, description="Its files are the first source; see /v1/templates"
    )
    plan: str | None = Field(None, max_length=63, description="Default: that of the settings; see /v1/apps/plans")
    region: str | None = Field(None, max_length=63, description="See /v1/apps/regions")
    deploy: bool | None = Field(None, description="Default: true where an image or a repository is given")

    @property
    def wants_deployment(self) -> bool:
        has_source = bool(self.source.image or self.source.repo_url)
        return has_source if self.deploy is None else self.deploy and has_source


class ChangeApp(AppFields):
    """Changes only what is given; `env_vars` and `labels` replace the whole set."""

    name: Name | None = None
    slug: Any = Field(None, description="Cannot change")
    region: Any = Field(None, description="Cannot change")
    plan: Any = Field(None, description="Cannot change")

    def refuse_immutable(self, slug: str, plan: str | None, region: str | None) -> None:
        """Raises `Immutable` for what is fixed at creation, unless it is sent as it already is."""
        fixed = {"slug": slug, "region": region or LOCAL, "plan": plan}
        for name in sorted(self.model_fields_set & set(fixed)):
            if getattr(self, name) != fixed[name]:
                raise Immutable(f"{name!r} cannot change after an app was created; clone the app to have it otherwise.")


class EnvChanges(Incoming):
    """PATCH .../env: merges; null removes."""

    env_vars: dict[str, EnvValue | None] = Field(max_length=1000)

    other_names: ClassVar[dict[str, str]] = {"env": "env_vars"}
