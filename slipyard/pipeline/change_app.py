"""What an app is told to be changes; what runs stays until the next deployment."""

from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.app import AppConfig
from slipyard.domain.naming import check_env_name
from slipyard.domain.plan import refuse_above
from slipyard.domain.release import WEB
from slipyard.pipeline.configuration.resolve_configuration import check_references
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import configurable_app
from slipyard.pipeline.plans import plan_of
from slipyard.pipeline.sources.check_source import check_config
from slipyard.pipeline.sources.git_access import settled_source
from slipyard.store.environment import set_env
from slipyard.store.events import record
from slipyard.store.queries.polls import look_soon
from slipyard.store.tables import App


@dataclass(frozen=True)
class AppChanges:
    """None leaves as it is. `env` and `labels` replace the whole set."""

    name: str | None = None
    description: str | None = None
    labels: dict[str, str] | None = None
    environment: str | None = None
    config: AppConfig | None = None
    env: dict[str, str] | None = field(default=None, repr=False)


async def change_app(
    context: Context, app_id: str, changes: AppChanges, actor: Actor, if_version: int | None = None
) -> App:
    if changes.config is not None:
        check_config(context, changes.config)
    app = await context.database.writing(
        lambda session: _change(session, context, configurable_app(session, app_id, if_version), changes, actor)
    )
    if app.config.source.own_remote:
        await context.git.init_bare(context.layout.repository(app.id))
    return app


def _change(session: Session, context: Context, app: App, changes: AppChanges, actor: Actor) -> App:
    given = {
        name: value
        for name in ("name", "description", "labels", "environment", "config")
        if (value := getattr(changes, name)) is not None and value != getattr(app, name)
    }
    if "config" in given:
        given["config"] = _with_as_many(app.config, given["config"])
        plan = plan_of(context, app)
        if plan is not None:
            refuse_above(plan, given["config"], app.config)
    said = _change_source(session, app, given, actor) if "config" in given else None
    if "config" in given and _is_followed_otherwise(app.config, given["config"]):
        forget = given["config"].source != app.config.source
        look_soon(session, app.id, context.clock.now(), forget=forget)
    for name, value in given.items():
        setattr(app, name, value)
    now = context.clock.now()
    if changes.env is not None:
        for name in changes.env:
            check_env_name(name)
        if set_env(session, context.cipher, app.id, dict(changes.env), replace=True, now=now, actor=actor.name):
            check_references(session, context, app, changes.env, actor)
            given["env"] = True
    if given:
        _touch(session, context, app)
        message = f"{actor.name} changed {', '.join(sorted(given))}.{f' {said}' if said else ''}"
        record(session, app.id, "app.changed", message, now=now, fields=sorted(given))
    return app


def _with_as_many(before: AppConfig, config: AppConfig) -> AppConfig:
    """How many there are of the one that requests go to is told in two places, and the last word counts in both."""
    main = next((name for name, service in config.services.items() if service.public), WEB)
    told = config.services.get(main)
    if told is None or told.replicas is None or config.min_instances == before.min_instances:
        return config
    own = told.model_copy(update={"replicas": config.min_instances})
    return config.model_copy(update={"services": {**config.services, main: own}})


def _change_source(session: Session, app: App, given: dict[str, Any], actor: Actor) -> str | None:
    """Puts the source into `given` as it may be stored; what was known about another one is forgotten."""
    before, wanted = app.config.source, given["config"].source
    if wanted == before:
        return None
    app.decided_commit = None  # what was decided about another source says nothing about this one
    source, said = settled_source(session, app, wanted, actor)
    given["config"] = given["config"].model_copy(update={"source": source})
    if (source.repo_url, source.credential_id) != (before.repo_url, before.credential_id):
        app.has_git_access, app.git_access_error = None, said if source.repo_url else None
    return said


def _is_followed_otherwise(before: AppConfig, config: AppConfig) -> bool:
    return any(getattr(before, name) != getattr(config, name) for name in ("source", "auto_deploy", "triggers"))


def _touch(session: Session, context: Context, app: App) -> None:
    app.version += 1
    app.updated_at = context.clock.now()
    session.add(app)
    session.flush()
