"""Variables and secrets change: a version of the configuration, and a release of the image that is live with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.domain.actor import Actor
from slipyard.domain.configuration import Configuration
from slipyard.domain.errors import Conflict
from slipyard.domain.formation import formation
from slipyard.domain.release import ReleaseConfig, ServiceSpec
from slipyard.domain.rollout import Strategy
from slipyard.pipeline.configuration.fetch_secrets import fetch_secrets
from slipyard.pipeline.configuration.resolve_configuration import (
    Fetched,
    Resolved,
    check_references,
    fingerprints,
    resolve_configuration,
)
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import configurable_app
from slipyard.pipeline.rollout.kept_running import unchanged_services
from slipyard.pipeline.rollout.make_release import make_release, material_of
from slipyard.pipeline.wake import wake_deployment
from slipyard.pipeline.write_down import Asked, write_deployment
from slipyard.store.configuration import By, configuration_of, content_of, find_version, write_configuration
from slipyard.store.environment import merged_env
from slipyard.store.events import record
from slipyard.store.queries.deployments import UNFINISHED_DEPLOYMENTS, active_deployment
from slipyard.store.tables import App, Deployment, Release

TRIGGER = "config"
Change = Callable[[Configuration], Configuration]


@dataclass(frozen=True)
class Changed:
    """`message` says what restarts; `deployment` is the one that brings the change, where there is one."""

    message: str
    version: int
    names: tuple[str, ...] = ()
    deployment: Deployment | None = None
    downtime: bool = False


@dataclass(frozen=True)
class _Wanted:
    change: Change
    actor: Actor
    release: bool
    summary: str = ""


async def change_configuration(
    context: Context, app_id: str, change: Change, actor: Actor, *, release: bool = True, summary: str = ""
) -> Changed:
    """`change` gives the new configuration for the one in force. Without `release` it counts from the next deployment on.

    `ValidationFailed` for a reference to nothing, before anything changes.
    """
    wanted = _Wanted(change, actor, release, summary)
    to_be = await context.database.reading(lambda session: change(configuration_of(session, context.cipher, app_id)))
    fetched = await fetch_secrets(context, app_id, to_be) if release else Fetched()
    done = await context.database.writing(lambda session: _change(session, context, app_id, wanted, fetched))
    if done.deployment is not None:
        await wake_deployment(context, done.deployment)
    return done


async def change_env(
    context: Context,
    app_id: str,
    changes: dict[str, str | None],
    *,
    replace: bool,
    actor: Actor,
    release: bool = False,
    summary: str = "",
) -> Changed:
    """None removes; `replace` removes also what `changes` does not name."""

    def change(found: Configuration) -> Configuration:
        return found.model_copy(update={"env": merged_env(found.env, changes, replace=replace)})

    return await change_configuration(context, app_id, change, actor, release=release, summary=summary)


async def restore_version(context: Context, app_id: str, number: int, actor: Actor, *, release: bool = True) -> Changed:
    """Variables and secrets as they were, as a new version: history goes on."""

    def content(session: Session) -> Configuration:
        row = find_version(session, session.get_one(App, app_id), number)
        return content_of(context.cipher, row)

    earlier = await context.database.reading(content)
    summary = f"Back to version {number}."
    return await change_configuration(context, app_id, lambda _: earlier, actor, release=release, summary=summary)


def _change(session: Session, context: Context, app_id: str, wanted: _Wanted, fetched: Fetched) -> Changed:
    app = configurable_app(session, app_id)
    now, actor = context.clock.now(), wanted.actor
    before = configuration_of(session, context.cipher, app.id)
    after = wanted.change(before)
    by = By(actor.name, now, wanted.summary)
    names = tuple(sorted({name for _, name in write_configuration(session, context.cipher, app.id, after, by)}))
    if not names:
        return Changed("Nothing changes: it is so already.", app.last_config)
    written = {name: value for name, value in after.env.items() if before.env.get(name) != value}
    check_references(session, context, app, written, actor)
    app.version, app.updated_at = app.version + 1, now
    session.add(app)
    message = f"{actor.name} changed {', '.join(names)}: version {app.last_config} of the configuration."
    record(session, app.id, "env.changed", message, now=now, names=list(names), version=app.last_config)
    return _released(session, context, app, wanted, fetched, names)


def _released(
    session: Session, context: Context, app: App, wanted: _Wanted, fetched: Fetched, names: tuple[str, ...]
) -> Changed:
    later = f"It counts from the next deployment of {app.slug} on."
    if not wanted.release:
        return Changed(later, app.last_config, names)
    waiting = _without_release(session, app.id)
    if waiting is not None:
        text = f"Deployment {waiting.number} of {app.slug} is on its way, and takes it along."
        return Changed(text, app.last_config, names, waiting)
    base = _newest_release(session, app)
    if base is None or app.stopped:
        what = "is stopped" if app.stopped else "was never live"
        return Changed(f"{app.slug} {what}, so nothing restarts. {later}", app.last_config, names)
    origin = base.config.origin
    services = formation(app.config, origin.manifest, origin.processes)
    if _runs_as_before(context, resolve_configuration(session, context, app, fetched, services), base.config):
        text = f"Nothing that runs in {app.slug} changes, so nothing restarts."
        return Changed(text, app.last_config, names)
    release = make_release(session, context, app.id, material_of(base), None, fetched)
    asked = Asked(
        TRIGGER,
        wanted.actor.name,
        title=wanted.summary or f"Configuration changed: {', '.join(names)}"[:255],
        commit=release.config.commit,
        release_id=release.id,
        principal=wanted.actor.principal,
    )
    deployment = write_deployment(session, context, app, asked)
    restarting = _restarting(session, release, deployment)
    down = _strategy(release.config, restarting) is Strategy.RECREATE
    return Changed(_what_restarts(app, restarting, deployment, release), app.last_config, names, deployment, down)


def _without_release(session: Session, app_id: str) -> Deployment | None:
    """One whose release is not made yet gets the configuration of the moment when it is."""
    query = select(Deployment).where(
        Deployment.app_id == app_id,
        col(Deployment.status).in_(UNFINISHED_DEPLOYMENTS),
        col(Deployment.release_id).is_(None),
    )
    return session.exec(query.order_by(col(Deployment.number).desc())).first()


def _newest_release(session: Session, app: App) -> Release | None:
    """What is being rolled out goes on with the change; else what is live."""
    query = select(Deployment).where(Deployment.app_id == app.id, col(Deployment.status).in_(UNFINISHED_DEPLOYMENTS))
    row = session.exec(query.order_by(col(Deployment.number).desc())).first() or active_deployment(session, app.id)
    if row is None or row.release_id is None:
        return None
    release = session.get(Release, row.release_id)
    if release is None:
        raise Conflict(f"The release of deployment {row.number} of {app.slug} is gone. Deploy it again.")
    return release


def _runs_as_before(context: Context, resolved: Resolved, running: ReleaseConfig) -> bool:
    """A secret for builds, or one that nothing refers to yet."""
    env, files = fingerprints(context.cipher, resolved)
    return (env, files) == (running.env_fingerprints, running.file_fingerprints)


def _restarting(session: Session, release: Release, deployment: Deployment) -> list[ServiceSpec]:
    same = unchanged_services(session, deployment.id)
    return [each for each in release.config.services if each.name not in same and not each.one_shot]


def _what_restarts(app: App, services: Sequence[ServiceSpec], deployment: Deployment, release: Release) -> str:
    instances = ", ".join(f"{each.name} ({each.replicas})" for each in services)
    strategy = _strategy(release.config, services)
    how = {
        Strategy.RECREATE: "recreate: the old instances end first, and requests wait until the new ones are ready",
        Strategy.CANARY: "canary, without downtime, in steps",
    }.get(strategy, f"{strategy}, without downtime")
    held = f" {deployment.progress}" if deployment.parked is not None and deployment.progress else ""
    return f"{app.slug} restarts as deployment {deployment.number}: {instances}, by {how}.{held}"


def _strategy(config: ReleaseConfig, services: Sequence[ServiceSpec]) -> Strategy:
    """An exclusive volume makes it another one than the app was told."""
    routed = config.routed
    alone = routed is not None and routed in services and routed.name in config.alone
    return Strategy.RECREATE if alone else config.rollout.strategy
