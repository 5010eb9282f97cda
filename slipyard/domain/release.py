"""What a release is: one image with everything resolved, never changed afterwards."""

from pydantic import Field

from slipyard.domain.health import HealthCheck
from slipyard.domain.manifest import NOTHING_SAID, Manifest
from slipyard.domain.resources import Resources
from slipyard.domain.rollout import RolloutRules, Strategy
from slipyard.domain.service import Dependency
from slipyard.domain.values import Value
from slipyard.domain.volume import Mount

WEB = "web"
BEFORE_DEPLOY, RELEASE_COMMAND, AFTER_DEPLOY = "before_deploy", "release", "after_deploy"


class ImageIdentity(Value):
    """`image_id` is the digest of the image's config; `manifest_digest` is known once it was pushed or pulled."""

    reference: str = Field(description="A name under which the engine or the registry has it")
    image_id: str
    manifest_digest: str | None = None


class ImageOrigin(Value):
    """Where an image comes from and what it says of itself, so that another app can make a release of it."""

    exposed_ports: tuple[int, ...] = ()
    health_command: tuple[str, ...] | None = None
    processes: dict[str, str] = Field(default_factory=dict, description="The lines of a Procfile")
    manifest: Manifest = Field(NOTHING_SAID, description="What else the repository says")
    images: dict[str, ImageIdentity] = Field(default_factory=dict, description="Built beside the app's own, by name")
    plan_key: str | None = None
    builder: str | None = Field(None, description="What built it")


class ServiceSpec(Value):
    """A process of the app. Requests from outside go to one of them, see `ReleaseConfig.routed`."""

    name: str = WEB
    command: tuple[str, ...] | None = Field(None, description="Arguments; None keeps the image's own command")
    port: int | None = Field(None, ge=1, le=65535)
    replicas: int = Field(1, ge=0, le=100)
    resources: Resources = Resources()
    health_check: HealthCheck = HealthCheck()
    image: ImageIdentity | None = Field(None, description="Of its own; without an image_id until it was pulled")
    image_origin: ImageOrigin = ImageOrigin()
    foreign: bool = Field(default=False, description="Its image is not built of the app's source: see `env` in Rollout")
    entrypoint: tuple[str, ...] | None = Field(None, description="None keeps the image's own")
    public: bool = Field(default=False, description="Requests from outside go to it")
    depends_on: tuple[Dependency, ...] = ()
    mounts: tuple[Mount, ...] = ()
    aliases: tuple[str, ...] = Field((), description="Its names in the app's network beside its own")
    stop_grace_seconds: float | None = Field(None, description="None: as the rollout rules say")
    alone: bool = Field(default=False, description="The old instance ends before the new one starts")
    one_shot: bool = Field(default=False, description="Runs to its end once in each deployment")
    env_fingerprint: str = Field("", description="Of all variables and secret files that it is given")


class ReleaseConfig(Value):
    """Everything but the values of the environment, which are stored encrypted beside it."""

    image: ImageIdentity
    services: tuple[ServiceSpec, ...]
    rollout: RolloutRules = RolloutRules()
    commands: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="What runs once, by its moment")
    command_seconds: float = 600.0
    commit: str | None = None
    snapshot_digest: str | None = None
    origin: ImageOrigin = ImageOrigin()
    configuration: int = Field(0, description="The version of environment and secrets that it was made with")
    env_fingerprints: dict[str, str] = Field(default_factory=dict)
    file_fingerprints: dict[str, str] = Field(default_factory=dict, description="Of its secret files, by path")

    @property
    def has_several_services(self) -> bool:
        """Whether they may speak to each other."""
        return len(self.services) > 1

    @property
    def alone(self) -> frozenset[str]:
        """The services whose old instances end before the new ones start."""
        every = self.rollout.strategy is Strategy.RECREATE
        return frozenset(service.name for service in self.services if every or service.alone)

    def grace_of(self, service: str) -> float:
        """Seconds between its stop signal and its end by force."""
        told = next((each.stop_grace_seconds for each in self.services if each.name == service), None)
        return self.rollout.stop_seconds if told is None else told

    def scaled(self, count: int | None) -> "ReleaseConfig":
        """With so many instances of the routed service, unless it is to have none; None is as many as it says."""
        routed = self.routed
        if count is None or routed is None or not routed.replicas or routed.replicas == count:
            return self
        services = (each.model_copy(update={"replicas": count}) if each is routed else each for each in self.services)
        return self.model_copy(update={"services": tuple(services)})

    @property
    def routed(self) -> ServiceSpec | None:
        """The one that says so, else the one called web."""
        with_port = [service for service in self.services if service.port is not None]
        by_name = (service for service in with_port if service.name == WEB)
        return next((service for service in with_port if service.public), next(by_name, None))
