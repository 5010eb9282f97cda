"""Configurations as they are answered. Values of secrets are in none of them."""

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.configuration import Configuration, VersionEntry
from slipyard.domain.configuration_difference import Difference, differences
from slipyard.domain.schemas.configuration_shapes import (
    ConfigChanged,
    ConfigDifference,
    ConfigVersionDetail,
    ConfigVersionView,
    DifferenceView,
    SecretStoreView,
    SecretView,
    VersionEntryView,
)
from slipyard.domain.secret_store import CommandStore, FileStore, StoreSettings
from slipyard.pipeline.configuration.change_configuration import Changed
from slipyard.pipeline.context import Context
from slipyard.store.configuration import content_of
from slipyard.store.queries.deployments import active_deployment
from slipyard.store.tables import App, ConfigVersion, Release, SecretRow, SecretStoreRow


def changed_view(app: App, changed: Changed) -> ConfigChanged:
    deployment = changed.deployment
    return ConfigChanged(
        app_id=app.id,
        message=changed.message,
        version=changed.version,
        changed=list(changed.names),
        deployment_id=deployment.id if deployment else None,
        release_id=deployment.release_id if deployment else None,
        downtime=changed.downtime,
    )


def live_release(session: Session, app: App) -> Release | None:
    active = active_deployment(session, app.id)
    return session.get(Release, active.release_id) if active is not None and active.release_id else None


def live_version(session: Session, app: App) -> int | None:
    release = live_release(session, app)
    return release.config.configuration if release is not None else None


def version_view(app: App, row: ConfigVersion, live: int | None) -> ConfigVersionView:
    return ConfigVersionView(
        version=row.number,
        current=row.number == app.last_config,
        live=row.number == live,
        actor=row.actor,
        summary=row.summary,
        created_at=row.created_at,
    )


def version_detail(
    context: Context, app: App, row: ConfigVersion, live: int | None, actor: Actor
) -> ConfigVersionDetail:
    env = _values(context, row, actor).env
    entries = [_entry_view(entry, env) for entry in row.entries]
    return ConfigVersionDetail(**version_view(app, row, live).model_dump(), entries=entries)


def difference_view(
    context: Context, app: App, rows: tuple[ConfigVersion, ConfigVersion], actor: Actor
) -> ConfigDifference:
    before, after = rows
    old, new = _values(context, before, actor).env, _values(context, after, actor).env
    found = differences(before.entries, after.entries)
    views = [_difference_view(each, old, new) for each in found]
    return ConfigDifference(app_id=app.id, from_version=before.number, to_version=after.number, differences=views)


def secret_view(row: SecretRow, configuration: Configuration) -> SecretView:
    secret = configuration.secrets[row.name]
    return SecretView(
        name=row.name,
        fingerprint=row.fingerprint,
        origin=secret.origin,
        use=secret.use,
        path=secret.path,
        mode=f"{secret.mode:04o}" if secret.path else None,
        updated_at=row.updated_at,
    )


def store_view(row: SecretStoreRow, settings: StoreSettings) -> SecretStoreView:
    return SecretStoreView(id=row.id, name=row.name, kind=row.kind, place=_place(settings), created_at=row.created_at)


def _place(settings: StoreSettings) -> str:
    match settings:
        case FileStore():
            return settings.directory
        case CommandStore():
            return settings.command[0]
        case _:
            return f"{settings.url} ({settings.mount})"


def _values(context: Context, row: ConfigVersion, actor: Actor) -> Configuration:
    return content_of(context.cipher, row) if actor.may("apps:write") else Configuration()


def _entry_view(entry: VersionEntry, env: dict[str, str]) -> VersionEntryView:
    value = env.get(entry.name) if entry.kind == "variable" else None
    return VersionEntryView(kind=entry.kind, name=entry.name, fingerprint=entry.fingerprint, value=value)


def _difference_view(each: Difference, old: dict[str, str], new: dict[str, str]) -> DifferenceView:
    shown = each.kind == "variable"
    return DifferenceView(
        kind=each.kind,
        name=each.name,
        change=each.change,
        before=each.before,
        after=each.after,
        value_before=old.get(each.name) if shown else None,
        value_after=new.get(each.name) if shown else None,
    )
