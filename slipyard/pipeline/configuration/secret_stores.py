"""Stores of secrets elsewhere: told once by an administrator, used by every app of the organization."""

import asyncio
from collections.abc import Sequence

import structlog
from pydantic import TypeAdapter
from sqlmodel import Session, col, select

from slipyard.clients.secret_stores.secret_store import SecretStore
from slipyard.clients.secret_stores.stores import open_store
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, NotFound, SlipyardError
from slipyard.domain.ids import new_id
from slipyard.domain.secret_store import StoreSettings, check_origin, check_store_name
from slipyard.pipeline.context import Context
from slipyard.store.cipher import Cipher
from slipyard.store.configuration import configuration_of
from slipyard.store.tables import App, SecretRow, SecretStoreRow

_SETTINGS: TypeAdapter[StoreSettings] = TypeAdapter(StoreSettings)
_log = structlog.get_logger()


async def add_store(context: Context, name: str, settings: StoreSettings, actor: Actor) -> SecretStoreRow:
    """Another one of the same name takes its place, with every secret that comes from there."""
    check_store_name(name)
    sealed = context.cipher.encrypt(settings.model_dump_json().encode())

    def add(session: Session) -> SecretStoreRow:
        row = _named(session, actor.organization_id, name) or SecretStoreRow(
            id=new_id("sst"),
            organization_id=actor.organization_id,
            name=name,
            kind=settings.kind,
            settings_encrypted=sealed,
            created_at=context.clock.now(),
        )
        row.kind, row.settings_encrypted = settings.kind, sealed
        session.add(row)
        return row

    return await context.database.writing(add)


async def try_store(context: Context, name: str, key: str, actor: Actor) -> int:
    """How many characters the secret has; the value itself stays here."""
    check_origin(f"{name}:{key}")
    row = await context.database.reading(lambda session: find_store(session, actor.organization_id, name))
    return len(await _open(context, row).read(key))


async def remove_store(context: Context, name: str, actor: Actor) -> SecretStoreRow:
    """`Conflict` while a secret of an app comes from there."""

    def remove(session: Session) -> SecretStoreRow:
        row = find_store(session, actor.organization_id, name)
        users = _users(session, context.cipher, row)
        if users:
            raise Conflict(f"Secrets of {', '.join(users)} come from {name}. Set them otherwise first, then remove it.")
        session.delete(row)
        return row

    return await context.database.writing(remove)


async def renew_stores(context: Context) -> None:
    """One pass of the controller: no token ends while Slipyard runs."""
    rows = await context.database.reading(lambda session: list(session.exec(select(SecretStoreRow))))
    await asyncio.gather(*(_renew(context, row) for row in rows))


def list_stores(session: Session, organization_id: str) -> Sequence[SecretStoreRow]:
    query = select(SecretStoreRow).where(SecretStoreRow.organization_id == organization_id)
    return session.exec(query.order_by(col(SecretStoreRow.name))).all()


def find_store(session: Session, organization_id: str, name: str) -> SecretStoreRow:
    row = _named(session, organization_id, name)
    if row is None:
        raise NotFound(
            f"There is no store of secrets {name!r}. An administrator adds it with `slipyard secret-stores add`."
        )
    return row


def settings_in(cipher: Cipher, row: SecretStoreRow) -> StoreSettings:
    return _SETTINGS.validate_json(cipher.decrypt(row.settings_encrypted))


async def _renew(context: Context, row: SecretStoreRow) -> None:
    try:
        await _open(context, row).renew()
    except SlipyardError as error:
        _log.warning("secret_store_not_renewed", store=row.name, error=error.message)


def _open(context: Context, row: SecretStoreRow) -> SecretStore:
    return open_store(settings_in(context.cipher, row), context.settings.allowed_networks)


def _named(session: Session, organization_id: str, name: str) -> SecretStoreRow | None:
    query = select(SecretStoreRow).where(SecretStoreRow.organization_id == organization_id, SecretStoreRow.name == name)
    return session.exec(query).first()


def _users(session: Session, cipher: Cipher, row: SecretStoreRow) -> list[str]:
    query = select(App).where(App.organization_id == row.organization_id, col(App.deleted_at).is_(None))
    with_secrets = query.where(col(App.id).in_(select(SecretRow.app_id)))
    return [app.slug for app in session.exec(with_secrets) if _uses(session, cipher, app, row.name)]


def _uses(session: Session, cipher: Cipher, app: App, name: str) -> bool:
    secrets = configuration_of(session, cipher, app.id).secrets.values()
    return any(secret.origin is not None and secret.origin.partition(":")[0] == name for secret in secrets)
