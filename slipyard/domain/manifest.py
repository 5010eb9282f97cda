"""What an app's repository says the app is, whichever file said it. What the app was told over API or command line wins.

It travels with the image, from the build into every release that is made of it: going back goes back to what the
repository said then.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from slipyard.domain.cron import CronText, ZoneName
from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.health import Command
from slipyard.domain.interpolation import BadInterpolation, interpolate
from slipyard.domain.schedule import MOST_SCHEDULES
from slipyard.domain.service import ServiceConfig, ServiceName
from slipyard.domain.values import Value

MOST_SERVICES = 50
VolumeName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$", examples=["data"])]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=255)]


class ImagePlan(Value):
    """How an image is built. Paths count from the app's subdirectory; None is what the app was told, or the default."""

    context: str | None = Field(None, max_length=1000, description="Directory that the build sees")
    dockerfile: str | None = Field(None, max_length=1000, description="Path from the context; default Dockerfile")
    dockerfile_text: str | None = Field(None, max_length=65_536, description="Instead of a file")
    target: str | None = Field(None, max_length=255, description="Stage of the Dockerfile")
    args: dict[str, str] = Field(default_factory=dict)
    command: str | None = Field(None, max_length=4096, description="Run where there is no Dockerfile")
    secrets: tuple[str, ...] = Field((), description="Names of variables that the build may mount")


class VolumePlan(Value):
    """`size` in bytes; None is not limited."""

    size: int | None = Field(None, gt=0)


class CronLine(Value):
    """A command on a schedule, run in the live release."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    schedule: CronText
    command: Command
    time_zone: ZoneName | None = None
    service: ServiceName | None = None


class Manifest(Value):
    files: tuple[str, ...] = Field((), description="Which files said it, the strongest first")
    build: ImagePlan | None = Field(None, description="Of the app's own image")
    builds: dict[str, ImagePlan] = Field(default_factory=dict, description="Of images beside it, by name")
    image: str | None = Field(None, description="The app's image where nothing is built")
    services: dict[ServiceName, ServiceConfig] = Field(default_factory=dict, max_length=MOST_SERVICES)
    complete: bool = Field(default=False, description="No Procfile or image adds services to these")
    templates: bool = Field(default=False, description="Services' variables hold ${NAME} as compose files do")
    commands: dict[str, Command] = Field(default_factory=dict, description="What runs once, by its moment")
    env: dict[VariableName, str] = Field(default_factory=dict, description="For what the app was not told")
    generated: tuple[VariableName, ...] = Field((), description="Secrets that are made up where they are missing")
    required: tuple[VariableName, ...] = Field((), description="Variables without which nothing is deployed")
    volumes: dict[VolumeName, VolumePlan] = Field(default_factory=dict, max_length=MOST_SERVICES)
    cron: tuple[CronLine, ...] = Field((), max_length=MOST_SCHEDULES)
    watch_paths: tuple[str, ...] = Field((), max_length=100)
    warnings: tuple[str, ...] = Field((), description="What was read and does not count here, in sentences")

    def env_of(self, service: str, variables: Mapping[str, str]) -> dict[str, str]:
        """Of its own, for a release whose app has `variables`. `ValidationFailed` where one is required and not there."""
        own = (self.services.get(service) or ServiceConfig()).env or {}
        return {name: self._filled(service, name, text, variables) for name, text in own.items()}

    def _filled(self, service: str, name: str, text: str, variables: Mapping[str, str]) -> str:
        try:
            return interpolate(text, variables.get) if self.templates else text
        except BadInterpolation as error:
            raise ValidationFailed(
                f"{name} of the service {service} {error}. Set it with `slipyard env set`, and deploy again.",
                details=[FieldProblem(f"services.{service}.env.{name}", "cannot be filled in")],
            ) from error

    def missing(self, variables: Mapping[str, str]) -> list[str]:
        """Names of variables that it requires, and that are neither told nor made up."""
        known = {*variables, *self.env, *self.generated}
        return [name for name in self.required if name not in known]

    def over(self, other: "Manifest") -> "Manifest":
        """What this one says, and for the rest what the weaker `other` says. Mappings are joined, services field by field."""
        if other.templates and not self.templates:
            return self.as_templates().over(other)
        if self.templates and not other.templates:
            return self.over(other.as_templates())
        services = {**other.services, **self.services}
        return Manifest(
            files=(*self.files, *other.files),
            build=self.build or other.build,
            builds={**other.builds, **self.builds},
            image=self.image or other.image,
            services={name: each.over(other.services.get(name)) for name, each in services.items()},
            complete=self.complete or other.complete,
            templates=self.templates,
            commands={**other.commands, **self.commands},
            env={**other.env, **self.env},
            generated=tuple(dict.fromkeys((*self.generated, *other.generated))),
            required=tuple(dict.fromkeys((*self.required, *other.required))),
            volumes={**other.volumes, **self.volumes},
            cron=_joined_cron(self.cron, other.cron),
            watch_paths=self.watch_paths or other.watch_paths,
            warnings=(*other.warnings, *self.warnings),
        )

    def as_templates(self) -> "Manifest":
        """The same, where `$` in variables of services begins something to be filled in."""
        services = {name: _escaped(each) for name, each in self.services.items()}
        return self.model_copy(update={"services": services, "templates": True})


def _escaped(service: ServiceConfig) -> ServiceConfig:
    env = {name: value.replace("$", "$$") for name, value in (service.env or {}).items()}
    return service.model_copy(update={"env": env}) if env else service


NOTHING_SAID = Manifest()


def _joined_cron(own: tuple[CronLine, ...], other: tuple[CronLine, ...]) -> tuple[CronLine, ...]:
    names = {line.name for line in own}
    return (*own, *(line for line in other if line.name not in names))
