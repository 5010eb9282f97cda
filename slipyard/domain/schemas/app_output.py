"""An app as it is answered: what it was told to be, and what it is now."""

from datetime import datetime

from pydantic import Field

from slipyard.domain.autoscaling import AutoscaleRules
from slipyard.domain.freeze import FreezeWindow
from slipyard.domain.health import Command, HealthCheck
from slipyard.domain.resources import Resources
from slipyard.domain.rollout import RolloutRules
from slipyard.domain.schemas.configuration_shapes import ConfigChanged
from slipyard.domain.schemas.outgoing import Outgoing, Page
from slipyard.domain.schemas.service_shapes import ServiceView
from slipyard.domain.schemas.work_output import DeploymentView
from slipyard.domain.source import Source
from slipyard.domain.triggers import Triggers


class Owner(Outgoing):
    id: str
    email: str | None = None


class Permissions(Outgoing):
    is_public: bool = False
    allowed_users: list[str] = Field(default_factory=list)


class WebhookFact(Outgoing):
    url: str
    last_delivery: datetime | None


class PollFact(Outgoing):
    """The last look at the branch or tag elsewhere, and when the next one is."""

    looked_at: datetime | None
    next_at: datetime
    seen: str | None = Field(description="The commit or digest that was found")
    failures: int = Field(description="In a row")
    error: str | None


class LockFact(Outgoing):
    by: str
    reason: str
    since: datetime


class MaintenanceFact(Outgoing):
    enabled: bool
    message: str


class VolumeFact(Outgoing):
    name: str
    mount_path: str | None = Field(description="Where the app was told to have it; the repository may say more")
    size_bytes: int | None
    used_bytes: int | None


class AppView(Outgoing):
    id: str
    name: str
    slug: str
    short_id: str
    description: str
    labels: dict[str, str]
    project_id: str | None = None
    organization_id: str
    parent_id: str | None = Field(description="Of a preview: the app that it previews")
    environment: str
    environment_id: str | None = None
    owner: Owner
    permissions: Permissions = Permissions()
    region: str = "local"
    plan_id: str | None = None
    plan_name: str | None = None
    plan_max_apps: int | None = None
    plan_max_domains: int | None = None
    source: Source
    git_url: str | None = Field(description="The app's own git remote, where the source lies there")
    has_git_access: bool | None = Field(description="Whether the repository elsewhere may be read; null: not tried yet")
    git_access_error: str | None = Field(description="Why not, or what became of the credential")
    auto_deploy: bool
    watch_paths: list[str]
    triggers: Triggers
    build_cache: bool
    rollout: RolloutRules
    release_command: Command | None
    before_deploy: Command | None
    after_deploy: Command | None
    command_seconds: float
    protected: bool
    freeze: list[FreezeWindow]
    lock: LockFact | None = Field(description="null where it is not locked")
    maintenance: MaintenanceFact
    port: int | None
    health_check: HealthCheck
    health_check_path: str | None
    resources: Resources
    replicas: int
    min_instances: int
    max_instances: int
    scale_to_zero_enabled: bool = False
    idle_timeout_minutes: int = 15
    is_scaled_to_zero: bool = False
    sleep_workers: bool = False
    autoscale: AutoscaleRules | None = None
    scaled_to: int | None = Field(None, description="Instances that autoscaling asks for now")
    instance_count: int
    running_instances: int
    services: list[ServiceView] = Field(default_factory=list, description="Of what is live")
    domains: list[str]
    domain: str
    domain_count: int
    volume: VolumeFact | None = Field(description="The first of `volumes`")
    volumes: list[VolumeFact]
    default_url: str
    url: str | None = Field(description="null before the first deployment")
    image: str | None
    active_image: str | None
    container_id: str | None
    status: str
    status_message: str
    last_error: str | None
    active_release_id: str | None
    active_deployment_id: str | None
    webhook: WebhookFact | None
    poll: PollFact | None = Field(description="null where there is nothing elsewhere to look at")
    version: int = Field(description="The ETag")
    created_at: datetime
    updated_at: datetime
    last_deployed_at: datetime | None
    deployments: list[DeploymentView] | None = Field(None, description="The last 20, in the detail only")


class AppList(Page):
    apps: list[AppView]


class EnvEntry(Outgoing):
    name: str
    fingerprint: str
    value: str | None = Field(None, description="Only for who may write")


class EnvView(Outgoing):
    app_id: str
    env_vars: list[EnvEntry]
    values: dict[str, str] | None = Field(None, description="Only for who may write; references as they were written")
    version: int = Field(description="Of the configuration")
    change: ConfigChanged | None = Field(None, description="Where it was just changed: what restarts")
