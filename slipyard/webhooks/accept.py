"""A delivery is verified, read, and written down under its unique key, before anything is decided about it."""

from dataclasses import dataclass

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from starlette.requests import Request

from slipyard.domain.errors import Unauthorized
from slipyard.domain.ids import new_id
from slipyard.pipeline.context import Context
from slipyard.store.queries.hooks import delivery_seen
from slipyard.store.tables import Delivery, Hook
from slipyard.webhooks.body import Body, received_body
from slipyard.webhooks.examine import Claim, Examined, check_proof, examine
from slipyard.webhooks.examine_large import examine_large
from slipyard.webhooks.large_bodies import large_bodies

MAXIMUM_BYTES = 25 * 1024 * 1024  # what GitHub sends at most


@dataclass(frozen=True)
class Taken:
    """`again`: the same delivery was written down before."""

    delivery_id: str
    again: bool


async def take_delivery(context: Context, hook: Hook, claim: Claim, request: Request) -> Taken:
    """`Unauthorized` for a wrong proof, which the hook counts; `UserError` for a body that cannot be read."""
    try:
        if not claim.provider.proof(claim.settings).reads_body:
            check_proof(claim, b"")
        async with received_body(request, MAXIMUM_BYTES, large_bodies().held) as body:
            examined = await _examined(claim, body)
    except Unauthorized as error:
        await _count_rejected(context, hook.id, error.message)
        raise
    return await _store(context, hook, examined)


async def _examined(claim: Claim, body: Body) -> Examined:
    if isinstance(body, bytes):
        return examine(claim, body)
    async with large_bodies().read():
        return await examine_large(claim, body)


async def _store(context: Context, hook: Hook, examined: Examined) -> Taken:
    row = Delivery(
        id=new_id("dlv"),
        hook_id=hook.id,
        app_id=hook.app_id,
        provider_id=examined.provider_id,
        event=examined.event,
        headers=dict(examined.headers),
        body=examined.body,
        body_bytes=examined.size,
        body_digest=examined.digest,
        received_at=context.clock.now(),
    )
    try:
        return await context.database.writing(lambda session: _insert(session, row, replayable=examined.replayable))
    except IntegrityError:  # two of the same at the same moment
        seen = await context.database.reading(lambda session: delivery_seen(session, row.hook_id, row.provider_id))
        if seen is None:
            raise
        return Taken(seen.id, again=True)


def _insert(session: Session, row: Delivery, *, replayable: bool) -> Taken:
    seen = delivery_seen(session, row.hook_id, row.provider_id) or (_same_body(session, row) if replayable else None)
    if seen is not None:
        return Taken(seen.id, again=True)
    session.add(row)
    session.flush()
    return Taken(row.id, again=False)


def _same_body(session: Session, row: Delivery) -> Delivery | None:
    """The id is outside of the signature: an old body under a new id is a replay."""
    query = select(Delivery).where(Delivery.hook_id == row.hook_id, Delivery.body_digest == row.body_digest)
    return session.exec(query).first()


async def _count_rejected(context: Context, hook_id: str, why: str) -> None:
    """Nothing of what a stranger sent is kept."""
    counted = {"rejected": Hook.rejected + 1, "rejected_at": context.clock.now(), "rejection": why}
    await context.database.writing(
        lambda session: session.execute(update(Hook).where(col(Hook.id) == hook_id).values(counted))
    )
