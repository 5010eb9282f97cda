"""Secrets that lie elsewhere are read before a release is made, once for each release: what it has it keeps."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.clients.secret_stores.secret_store import SecretStore
from slipyard.clients.secret_stores.stores import open_store
from slipyard.domain.app import AppConfig
from slipyard.domain.configuration import Configuration
from slipyard.domain.errors import NotFound, UserError, ValidationFailed
from slipyard.domain.formation import formation
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.manifest import Manifest
from slipyard.pipeline.configuration.resolve_configuration import Fetched, Place, needed_elsewhere
from slipyard.pipeline.configuration.secret_stores import find_store, settings_in
from slipyard.pipeline.context import Context
from slipyard.store.configuration import configuration_of
from slipyard.store.environment import open_env
from slipyard.store.tables import App, Deployment, Release

_NO_RELEASE_YET = (DeploymentStatus.PENDING, DeploymentStatus.BUILDING, DeploymentStatus.DEPLOYING)


async def fetch_secrets(
    context: Context,
    app_id: str,
    configuration: Configuration | None = None,
    manifest: Manifest | None = None,
    config: AppConfig | None = None,
) -> Fetched:
    """Of what is in force, or is to be; `manifest` None is that of the newest release. `Unavailable`
    where a store does not answer; what one refuses is kept, and raised where a release needs it."""
    origins = await context.database.reading(
        lambda session: _origins(
            session, context, session.get_one(App, app_id), _Wanted(configuration, manifest, config)
        )
    )
    if not origins:
        return Fetched()
    stores = await context.database.reading(lambda session: _stores(session, context, app_id, origins.values()))
    values: dict[Place, str] = {}
    refusals: dict[Place, UserError] = {}

    async def one(place: Place, origin: str) -> None:
        try:
            values[place] = await _read(stores, place[1], origin)
        except UserError as error:
            refusals[place] = error

    await asyncio.gather(*(one(place, origin) for place, origin in origins.items()))
    return Fetched(values, refusals)


async def _read(stores: Mapping[str, SecretStore | UserError], name: str, origin: str) -> str:
    store_name, _, key = origin.partition(":")
    store = stores[store_name]
    if isinstance(store, UserError):
        raise type(store)(f"The secret {name} comes from {store_name}. {store.message}")
    try:
        return await store.read(key)
    except UserError as error:
        raise type(error)(f"The secret {name} cannot be had. {error.message}") from error


@dataclass(frozen=True)
class _Wanted:
    configuration: Configuration | None
    manifest: Manifest | None
    config: AppConfig | None


def _origins(session: Session, context: Context, app: App, wanted: _Wanted) -> dict[Place, str]:
    """Empty where something refers to nothing: that is said where the release is made."""
    configuration = wanted.configuration or configuration_of(session, context.cipher, app.id)
    query = select(Deployment.env_encrypted).where(
        Deployment.app_id == app.id,
        col(Deployment.status).in_(_NO_RELEASE_YET),
        col(Deployment.release_id).is_(None),
        col(Deployment.env_encrypted).is_not(None),
    )
    extra = [open_env(context.cipher, sealed or b"") for sealed in session.exec(query).all()]
    try:
        services = formation(wanted.config or app.config, wanted.manifest or _newest_manifest(session, app.id), {})
        return needed_elsewhere(session, context, app, configuration, services, extra)
    except ValidationFailed:
        return {}


def _newest_manifest(session: Session, app_id: str) -> Manifest:
    query = select(Release).where(Release.app_id == app_id).order_by(col(Release.number).desc()).limit(1)
    release = session.exec(query).first()
    return Manifest() if release is None else release.config.origin.manifest


def _stores(
    session: Session, context: Context, app_id: str, origins: Iterable[str]
) -> dict[str, SecretStore | UserError]:
    organization = session.get_one(App, app_id).organization_id
    found: dict[str, SecretStore | UserError] = {}
    for name in {origin.partition(":")[0] for origin in origins}:
        try:
            row = find_store(session, organization, name)
            found[name] = open_store(settings_in(context.cipher, row), context.settings.allowed_networks)
        except NotFound as error:
            found[name] = error
    return found
