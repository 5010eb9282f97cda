"""The services of a release, resolved: each with its image, its limits, and how it is asked whether it is ready."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from slipyard.domain.app import DEFAULT_PORT, AppConfig
from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.formation import Formation
from slipyard.domain.health import Command, HealthCheck, HealthType, arguments
from slipyard.domain.image_reference import parse_image_reference
from slipyard.domain.release import ImageIdentity, ImageOrigin, ServiceSpec
from slipyard.domain.resources import Resources
from slipyard.domain.service import ServiceConfig

_UNTOLD = AppConfig()
Told = TypeVar("Told")


@dataclass(frozen=True)
class Given:
    """What is known beside the formation: the app's own image, what was built beside it, and fingerprints by service."""

    origin: ImageOrigin
    fingerprints: Mapping[str, str]
    pinned: Mapping[str, ServiceSpec]  # of the release before, by service
    replicas: int | None = None  # of the main one, for this release only


def service_specs(config: AppConfig, formation: Formation, given: Given) -> tuple[ServiceSpec, ...]:
    return tuple(_spec(config, formation, name, given) for name in formation.services)


def with_image(spec: ServiceSpec, image: ImageIdentity, origin: ImageOrigin) -> ServiceSpec:
    """What its image says counts where nobody said otherwise."""
    only = origin.exposed_ports[0] if len(origin.exposed_ports) == 1 else None
    return spec.model_copy(
        update={
            "image": image,
            "image_origin": origin,
            "port": spec.port or only or (DEFAULT_PORT if spec.public else None),
            "health_check": asked_as(spec.health_check, origin.health_command),
        }
    )


def asked_as(told: HealthCheck, of_image: tuple[str, ...] | None) -> HealthCheck:
    """The image's own HEALTHCHECK counts where nobody said how to ask."""
    if of_image is None or (told.says_how and told.type is not HealthType.COMMAND) or told.command is not None:
        return told
    return told.model_copy(update={"command": of_image})


def _spec(config: AppConfig, formation: Formation, name: str, given: Given) -> ServiceSpec:
    service, is_main = formation.services[name], name == formation.main
    if is_main:
        service = _main(config, formation, given)
    spec = ServiceSpec(
        name=name,
        command=_command(service.command),
        entrypoint=None if service.entrypoint is None else arguments(service.entrypoint),
        port=service.port,
        public=is_main,
        replicas=0 if service.stopped or service.one_shot else 1 if service.replicas is None else service.replicas,
        resources=service.resources or config.resources,
        health_check=service.health_check or HealthCheck(),
        depends_on=service.depends_on or (),
        mounts=service.mounts or (),
        aliases=service.aliases or (),
        stop_grace_seconds=service.stop_grace_seconds,
        one_shot=bool(service.one_shot) and not service.stopped,
        foreign=service.image is not None,
        env_fingerprint=given.fingerprints.get(name, ""),
    )
    return _with_its_image(spec, service, given, is_main=is_main)


def _with_its_image(spec: ServiceSpec, service: ServiceConfig, given: Given, *, is_main: bool) -> ServiceSpec:
    if service.image is not None:
        reference = str(parse_image_reference(service.image))
        before = given.pinned.get(spec.name)
        if before is not None and before.image is not None and before.image.reference == reference:
            return with_image(spec, before.image, before.image_origin)
        return spec.model_copy(update={"image": ImageIdentity(reference=reference, image_id="")})
    if service.build is not None:
        return with_image(spec, _built(spec.name, service.build, given.origin), ImageOrigin())
    if not is_main:
        return spec
    exposed = given.origin.exposed_ports
    port = spec.port or (exposed[0] if len(exposed) == 1 else DEFAULT_PORT)
    check = asked_as(spec.health_check, given.origin.health_command)
    return spec.model_copy(update={"port": port, "health_check": check})


def _main(config: AppConfig, formation: Formation, given: Given) -> ServiceConfig:
    """What the app as a whole was told counts for it, and wins over the repository."""
    told = formation.told.get(formation.main) or ServiceConfig()
    of_app = ServiceConfig(
        command=config.source.start_command,
        port=config.port,
        replicas=_if_told(config.least_instances, _UNTOLD.min_instances),
        resources=_if_told(config.resources, Resources()),
        health_check=_if_told(config.health_check, HealthCheck()),
    )
    merged = told.over(of_app.over(formation.services[formation.main]))
    return merged if given.replicas is None else merged.model_copy(update={"replicas": given.replicas})


def _if_told(value: Told, default: Told) -> Told | None:
    return None if value == default else value


def _built(name: str, build: str, origin: ImageOrigin) -> ImageIdentity:
    if build not in origin.images:
        raise ValidationFailed(
            f"The service {name} runs the image {build}, and none of that name was built beside the app's own. Build again.",
            details=[FieldProblem(f"services.{name}.build", "not built")],
        )
    return origin.images[build]


def _command(command: Command | None) -> tuple[str, ...] | None:
    """One text is a line for a shell, as in a Procfile; `exec` so that signals reach the program."""
    return ("/bin/sh", "-c", f"exec {command}") if isinstance(command, str) else command
