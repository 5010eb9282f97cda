"""Everything an app is at this moment, resolved into one release that never changes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlmodel import Session, col, select

from slipyard.domain.app import AppConfig
from slipyard.domain.formation import MOMENTS, Formation, formation
from slipyard.domain.health import Command, arguments
from slipyard.domain.ids import new_id
from slipyard.domain.manifest import NOTHING_SAID, Manifest
from slipyard.domain.provenance import Envelope
from slipyard.domain.release import (
    AFTER_DEPLOY,
    BEFORE_DEPLOY,
    RELEASE_COMMAND,
    ImageIdentity,
    ImageOrigin,
    ReleaseConfig,
    ServiceSpec,
)
from slipyard.pipeline.configuration.make_up_secrets import make_up_secrets
from slipyard.pipeline.configuration.resolve_configuration import (
    NOTHING_FETCHED,
    Fetched,
    Resolved,
    fingerprints,
    resolve_configuration,
)
from slipyard.pipeline.context import Context
from slipyard.pipeline.plans import refuse_release_above
from slipyard.pipeline.rollout.service_specs import Given, service_specs
from slipyard.pipeline.volumes.settle_mounts import settle_mounts
from slipyard.store.environment import open_env, seal_env, seal_files, split_env
from slipyard.store.tables import App, Deployment, Release


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
    services = formation(app.config, material.manifest, material.processes)
    make_up_secrets(session, context, app, material.manifest)
    resolved = resolve_configuration(session, context, app, fetched, services, own)
    asked = _Asked(app.config, services, resolved, deployment.replicas if deployment else None)
    config = _config(context, asked, material, _pinned(session, app_id))
    config = settle_mounts(session, context, app, config)
    refuse_release_above(session, context, app, config)
    app.last_release += 1
    release = Release(
        id=new_id("rel"),
        app_id=app_id,
        number=app.last_release,
        build_id=material.build_id,
        config=config,
        env_encrypted=seal_env(context.cipher, resolved.env),
        files_encrypted=seal_files(context.cipher, resolved.files),
        provenance=material.provenance,
        created_at=context.clock.now(),
    )
    session.add(release)
    session.flush()
    return release


@dataclass(frozen=True)
class _Asked:
    config: AppConfig
    services: Formation
    resolved: Resolved
    replicas: int | None


def _config(
    context: Context, asked: _Asked, material: ReleaseMaterial, pinned: Mapping[str, ServiceSpec]
) -> ReleaseConfig:
    config, resolved = asked.config, asked.resolved
    env, files = fingerprints(context.cipher, resolved)
    of_services = {name: _given(context, asked, name) for name in asked.services.services}
    given = Given(material.origin, of_services, pinned, asked.replicas)
    return ReleaseConfig(
        image=material.image,
        services=service_specs(config, asked.services, given),
        rollout=config.rollout,
        commands=_commands(config, material),
        command_seconds=config.command_seconds,
        commit=material.commit,
        snapshot_digest=material.snapshot_digest,
        origin=material.origin,
        configuration=resolved.version,
        env_fingerprints=env,
        file_fingerprints=files,
    )


def _given(context: Context, asked: _Asked, service: str) -> str:
    """The fingerprint of all variables and files that a service is given."""
    foreign = asked.services.services[service].image is not None
    common, own = split_env(asked.resolved.env)
    env = {**({} if foreign else common), **own.get(service, {})}
    files = [file.model_dump() for file in asked.resolved.files if file.is_for(service, foreign=foreign)]
    return context.cipher.fingerprint(json.dumps([env, files], sort_keys=True).encode())


def _pinned(session: Session, app_id: str) -> dict[str, ServiceSpec]:
    """What a service's image is stays so from release to release, until another one is named."""
    query = select(Release).where(Release.app_id == app_id).order_by(col(Release.number).desc()).limit(1)
    before = session.exec(query).first()
    services = before.config.services if before is not None else ()
    return {each.name: each for each in services if each.image is not None and each.image.image_id}


def _commands(config: AppConfig, material: ReleaseMaterial) -> dict[str, tuple[str, ...]]:
    """What the app was told wins over its repository."""
    told = {
        BEFORE_DEPLOY: config.before_deploy,
        RELEASE_COMMAND: config.release_command,
        AFTER_DEPLOY: config.after_deploy,
    }
    said: dict[str, Command] = {**material.processes, **material.manifest.commands}
    lines = {moment: told[moment] or said.get(moment) for moment in MOMENTS}
    return {moment: arguments(line) for moment, line in lines.items() if line}
