"""A delivery is verified, written down under its unique key, and then decided and answered."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from slipyard.domain.errors import Unauthorized, UserError
from slipyard.domain.ids import new_id
from slipyard.pipeline.context import Context
from slipyard.store.queries.hooks import delivery_seen
from slipyard.store.tables import Delivery, Hook
from slipyard.webhooks.provider import Headers, Provider

T = TypeVar("T")
_STORED_WHOLE = 1024 * 1024
_SMALL = 64 * 1024  # below this, a thread costs more than the work
_LONGEST_ID = 200


@dataclass(frozen=True)
class Taken:
    """`again`: the same delivery was written down before."""

    delivery_id: str
    again: bool


async def take_delivery(context: Context, hook: Hook, provider: Provider, headers: Headers, body: bytes) -> Taken:
    """`Unauthorized` for a wrong signature, which the hook counts; `UserError` for a body that cannot be read."""
    secret = context.cipher.decrypt(hook.secret_encrypted)
    if not await _worked(lambda: provider.verify(secret, headers, body), body):
        await context.database.writing(lambda session: _count_rejected(session, hook.id))
        raise Unauthorized("The signature of this delivery is missing or wrong. Set the same secret at the provider.")
    await _worked(lambda: provider.announcement(headers, body), body)  # what cannot be read is refused, not stored
    now = context.clock.now()
    return await _store(context, await _worked(lambda: _row(hook, provider, headers, body, now), body))


async def _worked(work: Callable[[], T], body: bytes) -> T:
    """Hashing and parsing 25 MB would hold up every other request."""
    return work() if len(body) < _SMALL else await asyncio.to_thread(work)


def _row(hook: Hook, provider: Provider, headers: Headers, body: bytes, now: datetime) -> Delivery:
    digest = hashlib.sha256(body).hexdigest()
    return Delivery(
        id=new_id("dlv"),
        hook_id=hook.id,
        app_id=hook.app_id,
        provider_id=_checked_id(provider.delivery_id(headers) or f"sha256:{digest}"),
        event=provider.event(headers),
        headers={name: headers[name] for name in provider.kept_headers if name in headers},
        body=body if len(body) <= _STORED_WHOLE else provider.essence(headers, body),
        body_digest=digest,
        received_at=now,
    )


def _checked_id(provider_id: str) -> str:
    if not 1 <= len(provider_id) <= _LONGEST_ID or not provider_id.isascii() or not provider_id.isprintable():
        raise UserError("The id of this delivery is not one that a provider sends. Check what sends it.")
    return provider_id


async def _store(context: Context, row: Delivery) -> Taken:
    try:
        return await context.database.writing(lambda session: _insert(session, row))
    except IntegrityError:  # two of the same at the same moment
        seen = await context.database.reading(lambda session: delivery_seen(session, row.hook_id, row.provider_id))
        if seen is None:
            raise
        return Taken(seen.id, again=True)


def _insert(session: Session, row: Delivery) -> Taken:
    seen = delivery_seen(session, row.hook_id, row.provider_id) or _same_body(session, row)
    if seen is not None:
        return Taken(seen.id, again=True)
    session.add(row)
    session.flush()
    return Taken(row.id, again=False)


def _same_body(session: Session, row: Delivery) -> Delivery | None:
    """The id is outside of the signature: an old body under a new id is a replay."""
    query = select(Delivery).where(Delivery.hook_id == row.hook_id, Delivery.body_digest == row.body_digest)
    return session.exec(query).first()


def _count_rejected(session: Session, hook_id: str) -> None:
    session.execute(update(Hook).where(col(Hook.id) == hook_id).values(rejected=Hook.rejected + 1))
