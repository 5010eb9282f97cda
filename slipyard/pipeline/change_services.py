"""Services of an app change: what it is told of them, and a release of the same image with that. Nothing is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.domain.actor import Actor
from slipyard.domain.app import MOST_INSTANCES, AppConfig
from slipyard.domain.errors import Conflict, FieldProblem, NotFound, ValidationFailed
from slipyard.domain.formation import Formation, formation
from slipyard.domain.manifest import Manifest
from slipyard.domain.plan import refuse_above
from slipyard.domain.service import ServiceConfig
from slipyard.pipeline.configuration.fetch_secrets import fetch_secrets
from slipyard.pipeline.configuration.resolve_configuration import Fetched, check_references
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import configurable_app
from slipyard.pipeline.plans import plan_of
from slipyard.pipeline.rollout.kept_running import unchanged_services
from slipyard.pipeline.rollout.make_release import make_release, material_of
from slipyard.pipeline.sources.check_source import check_config
from slipyard.pipeline.wake import wake_deployment
from slipyard.pipeline.write_down import Asked, write_deployment
from slipyard.store.events import record
from slipyard.store.queries.deployments import UNFINISHED_DEPLOYMENTS, active_deployment
from slipyard.store.tables import App, Deployment, Release

SERVICES = "services"
Told = Callable[[ServiceConfig], ServiceConfig]
Change = Callable[[AppConfig, Formation], AppConfig]


@dataclass(frozen=True)
class ServicesChanged:
    """`message` says what restarts and what runs on; `deployment` brings the change, where there is one."""

    message: str
    deployment: Deployment | None = None


@dataclass(frozen=True)
class _Asked:
    change: Change
    actor: Actor
    what: str
    release: bool


async def set_service(
    context: Context,
    app_id: str,
    name: str,
    told: Told,
    actor: Actor,
    *,
    new: bool = False,
    release: bool = True,
) -> ServicesChanged:
    """`told` makes of what it was told before what it is told now. `Conflict` for a new one that is there, `NotFound` for one that is not."""

    def change(config: AppConfig, services: Formation) -> AppConfig:
        if new and name in services.services:
            raise Conflict(f"There is a service {name} already. Change it with `slipyard services set`.")
        if not new:
            _find(services, name)
        return _with(config, services, name, told(config.services.get(name) or ServiceConfig()))

    return await _change(context, app_id, _Asked(change, actor, f"{'Added' if new else 'Changed'} {name}", release))


async def scale_services(context: Context, app_id: str, replicas: Mapping[str, int], actor: Actor) -> ServicesChanged:
    def change(config: AppConfig, services: Formation) -> AppConfig:
        for name, count in replicas.items():
            _find(services, name)
            told = ServiceConfig(replicas=count, stopped=False)
            config = _with(config, services, name, told.over(config.services.get(name)))
        return config

    said = ", ".join(f"{name}={count}" for name, count in replicas.items())
    return await _change(context, app_id, _Asked(change, actor, f"Scaled {said}", release=True))


async def stop_service(context: Context, app_id: str, name: str, actor: Actor, *, stopped: bool) -> ServicesChanged:
    """None of it runs, in later releases too, until it is started."""

    def change(config: AppConfig, services: Formation) -> AppConfig:
        _find(services, name)
        return _with(config, services, name, ServiceConfig(stopped=stopped).over(config.services.get(name)))

    return await _change(
        context, app_id, _Asked(change, actor, f"{'Stopped' if stopped else 'Started'} {name}", release=True)
    )


async def remove_service(context: Context, app_id: str, name: str, actor: Actor) -> ServicesChanged:
    """What the app was told of it. `Conflict` where its repository still says that there is one."""

    def change(config: AppConfig, services: Formation) -> AppConfig:
        _find(services, name)
        left = {other: each for other, each in config.services.items() if other != name}
        if (
            name not in config.services
            or name in formation(config.model_copy(update={"services": left}), services.manifest, {}).services
        ):
            raise Conflict(
                f"The repository says that there is a service {name}, or requests go to it. Remove it there, "
                f"or stop it with `slipyard stop --service {name}`."
            )
        return config.model_copy(update={"services": left})

    return await _change(context, app_id, _Asked(change, actor, f"Removed {name}", release=True))


def _find(services: Formation, name: str) -> ServiceConfig:
    if name not in services.services:
        there = ", ".join(services.services)
        raise NotFound(f"There is no service {name!r}: there is {there}. Add one with `slipyard services add`.")
    return services.services[name]


def _with(config: AppConfig, services: Formation, name: str, told: ServiceConfig) -> AppConfig:
    """How many of the main one there are is also what the app as a whole is told."""
    update: dict[str, object] = {"services": {**config.services, name: told}}
    if name == services.main and told.replicas is not None:
        if told.replicas > MOST_INSTANCES:
            raise ValidationFailed(
                f"Of {name}, which requests go to, there can be {MOST_INSTANCES} at the most.",
                details=[FieldProblem("replicas", f"at most {MOST_INSTANCES}")],
            )
        update |= {"min_instances": told.replicas, "max_instances": max(told.replicas, config.max_instances, 1)}
    return config.model_copy(update=update)


async def _change(context: Context, app_id: str, asked: _Asked) -> ServicesChanged:
    to_be = await context.database.reading(lambda session: _to_be(session, session.get_one(App, app_id), asked.change))
    check_config(context, to_be)
    fetched = await fetch_secrets(context, app_id, config=to_be) if asked.release else Fetched()
    done = await context.database.writing(lambda session: _write(session, context, app_id, asked, fetched))
    if done.deployment is not None:
        await wake_deployment(context, done.deployment)
    return done


def _to_be(session: Session, app: App, change: Change) -> AppConfig:
    services = services_of(session, app)
    config = change(app.config, services)
    formation(config, services.manifest, _processes(session, app.id))
    return config


def services_of(session: Session, app: App) -> Formation:
    """As its next release would have them, if nothing else changed."""
    release = _newest_release(session, app.id)
    manifest = release.config.origin.manifest if release is not None else Manifest()
    return formation(app.config, manifest, _processes(session, app.id))


def _processes(session: Session, app_id: str) -> Mapping[str, str]:
    release = _newest_release(session, app_id)
    return release.config.origin.processes if release is not None else {}


def _newest_release(session: Session, app_id: str) -> Release | None:
    query = select(Release).where(Release.app_id == app_id).order_by(col(Release.number).desc()).limit(1)
    return session.exec(query).first()


def _write(session: Session, context: Context, app_id: str, asked: _Asked, fetched: Fetched) -> ServicesChanged:
    app = configurable_app(session, app_id)
    before, config = app.config, _to_be(session, app, asked.change)
    if config == before:
        return ServicesChanged("Nothing changes: it is so already.")
    plan = plan_of(context, app)
    if plan is not None:
        refuse_above(plan, config, before)
    for service in config.services.values():
        check_references(session, context, app, service.env or {}, asked.actor)
    now = context.clock.now()
    app.config, app.version, app.updated_at = config, app.version + 1, now
    if config.min_instances != before.min_instances:
        app.scaled_to = None  # what somebody says goes before what autoscaling found
    session.add(app)
    record(session, app.id, "services.changed", f"{asked.actor.name}: {asked.what}.", now=now)
    return _released(session, context, app, asked, fetched)


def _released(session: Session, context: Context, app: App, asked: _Asked, fetched: Fetched) -> ServicesChanged:
    later = f"It counts from the next deployment of {app.slug} on."
    if not asked.release:
        return ServicesChanged(later)
    waiting = _on_its_way(session, app.id)
    if waiting is not None and waiting.release_id is None:
        return ServicesChanged(f"Deployment {waiting.number} of {app.slug} is on its way, and takes it along.", waiting)
    base = waiting or active_deployment(session, app.id)
    if base is None or base.release_id is None or app.stopped:
        what = "is stopped" if app.stopped else "was never live"
        return ServicesChanged(f"{app.slug} {what}, so nothing starts. {later}")
    material = material_of(session.get_one(Release, base.release_id))
    release = make_release(session, context, app.id, material, None, fetched)
    told = Asked(
        SERVICES,
        asked.actor.name,
        title=asked.what[:255],
        commit=release.config.commit,
        release_id=release.id,
        principal=asked.actor.principal,
        services=(),
    )
    deployment = write_deployment(session, context, app, told)
    return ServicesChanged(_what_happens(session, app, release, deployment), deployment)


def _on_its_way(session: Session, app_id: str) -> Deployment | None:
    query = select(Deployment).where(Deployment.app_id == app_id, col(Deployment.status).in_(UNFINISHED_DEPLOYMENTS))
    return session.exec(query.order_by(col(Deployment.number).desc())).first()


def _what_happens(session: Session, app: App, release: Release, deployment: Deployment) -> str:
    same = unchanged_services(session, deployment.id)
    other = [f"{each.name} ({each.replicas})" for each in release.config.services if each.name not in same]
    starts = f"{', '.join(other)} start anew" if other else "nothing restarts"
    stays = f"; {', '.join(sorted(same))} run on" if same else ""
    held = f" {deployment.progress}" if deployment.parked is not None and deployment.progress else ""
    return f"{app.slug} goes on as deployment {deployment.number}: {starts}{stays}.{held}"
