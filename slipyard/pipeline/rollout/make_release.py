"""Everything an app is at this moment, resolved into one release that never changes."""

from dataclasses import dataclass, field

from sqlmodel import Session

from slipyard.domain.app import DEFAULT_PORT, AppConfig
from slipyard.domain.health import HealthCheck, HealthType, arguments
from slipyard.domain.ids import new_id
from slipyard.domain.manifest import NOTHING_SAID, Manifest
from slipyard.domain.provenance import Envelope
from slipyard.domain.release import (
    AFTER_DEPLOY,
    BEFORE_DEPLOY,
    RELEASE_COMMAND,
    WEB,
    ImageIdentity,
    ImageOrigin,
    ReleaseConfig,
    ServiceSpec,
)
from slipyard.pipeline.configuration.resolve_configuration import (
    NOTHING_FETCHED,
    Fetched,
    Resolved,
    fingerprints,
    resolve_configuration,
)
from slipyard.pipeline.context import Context
from slipyard.store.environment import open_env, seal_env, seal_files
from slipyard.store.tables import App, Deployment, Release

_MOMENTS = (BEFORE_DEPLOY, RELEASE_COMMAND, AFTER_DEPLOY)


@dataclass(frozen=True)
class ReleaseMaterial:
    """What the build or the pull found out. `processes` are the lines of a Procfile."""

    image: ImageIdentity
    exposed_ports: tuple[int, ...] = ()
    health_command: tuple[str, ...] | None = None  # of the image's HEALTHCHECK
    processes: dict[str, str] = field(default_factory=dict)
    manifest: Manifest = NOTHING_SAID
    images: dict[str, ImageIdentity] = field(default_factory=dict)  # built beside the app's own, by name
    build_id: str | None = None
    commit: str | None = None
    snapshot_digest: str | None = None
    plan_key: str | None = None
    builder: str | None = None
    provenance: Envelope | None = None

    @property
    def origin(self) -> ImageOrigin:
        return ImageOrigin(
            exposed_ports=self.exposed_ports,
            health_command=self.health_command,
            processes=self.processes,
            manifest=self.manifest,
            images=self.images,
            plan_key=self.plan_key,
            builder=self.builder,
        )


def material_of(release: Release) -> ReleaseMaterial:
    """Commit, tree, plan and builder travel with the image."""
    config, origin = release.config, release.config.origin
    return ReleaseMaterial(
        image=config.image,
        exposed_ports=origin.exposed_ports,
        health_command=origin.health_command,
        processes=origin.processes,
        manifest=origin.manifest,
        images=origin.images,
        build_id=release.build_id,
        commit=config.commit,
        snapshot_digest=config.snapshot_digest,
        plan_key=origin.plan_key,
        builder=origin.builder,
        provenance=release.provenance,
    )


def make_release(
    session: Session,
    context: Context,
    app_id: str,
    material: ReleaseMaterial,
    deployment: Deployment | None,
    fetched: Fetched = NOTHING_FETCHED,
) -> Release:
    """Written in the caller's transaction. What `deployment` asks for holds for this release only.

    `UserError` where its configuration refers to what is not there: nothing is written then.
    """
    app = session.get_one(App, app_id, with_for_update=True)
    own = open_env(context.cipher, deployment.env_encrypted or b"") if deployment is not None else {}
    resolved = resolve_configuration(session, context, app, fetched, own)
    app.last_release += 1
    release = Release(
        id=new_id("rel"),
        app_id=app_id,
        number=app.last_release,
        build_id=material.build_id,
        config=_config(context, app.config, material, resolved, deployment.replicas if deployment else None),
        env_encrypted=seal_env(context.cipher, resolved.env),
        files_encrypted=seal_files(context.cipher, resolved.files),
        provenance=material.provenance,
        created_at=context.clock.now(),
    )
    session.add(release)
    session.flush()
    return release


def _config(
    context: Context, config: AppConfig, material: ReleaseMaterial, resolved: Resolved, replicas: int | None
) -> ReleaseConfig:
    env, files = fingerprints(context.cipher, resolved)
    return ReleaseConfig(
        image=material.image,
        services=_services(config, material, replicas if replicas is not None else config.min_instances),
        rollout=config.rollout,
        commands=_commands(config, material.processes),
        command_seconds=config.command_seconds,
        commit=material.commit,
        snapshot_digest=material.snapshot_digest,
        origin=material.origin,
        configuration=resolved.version,
        env_fingerprints=env,
        file_fingerprints=files,
    )


def _services(config: AppConfig, material: ReleaseMaterial, replicas: int) -> tuple[ServiceSpec, ...]:
    web = ServiceSpec(
        name=WEB,
        command=_shell_command(config.source.start_command or material.processes.get(WEB)),
        port=_port(config, material.exposed_ports),
        replicas=replicas,
        resources=config.resources,
        health_check=_health_check(config.health_check, material.health_command),
    )
    others = (
        ServiceSpec(name=name, command=_shell_command(line), resources=config.resources)
        for name, line in sorted(material.processes.items())
        if name not in {WEB, *_MOMENTS}
    )
    return (web, *others)


def _commands(config: AppConfig, processes: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """What the app was told wins over the Procfile."""
    told = {
        BEFORE_DEPLOY: config.before_deploy,
        RELEASE_COMMAND: config.release_command,
        AFTER_DEPLOY: config.after_deploy,
    }
    lines = {moment: told[moment] or processes.get(moment) for moment in _MOMENTS}
    return {moment: arguments(line) for moment, line in lines.items() if line}


def _health_check(told: HealthCheck, of_image: tuple[str, ...] | None) -> HealthCheck:
    """The image's own HEALTHCHECK counts where nobody said how to ask."""
    if of_image is None or (told.says_how and told.type is not HealthType.COMMAND) or told.command is not None:
        return told
    return told.model_copy(update={"command": of_image})


def _shell_command(line: str | None) -> tuple[str, ...] | None:
    """Procfile lines are shell lines by convention, run inside the image; `exec` so that signals reach the program."""
    return None if line is None else ("/bin/sh", "-c", f"exec {line}")


def _port(config: AppConfig, exposed: tuple[int, ...]) -> int:
    if config.port is not None:
        return config.port
    return exposed[0] if len(exposed) == 1 else DEFAULT_PORT
