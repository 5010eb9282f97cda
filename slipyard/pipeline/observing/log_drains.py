"""Where output goes: log drains are made, changed, tried and removed. Their URLs and authorizations stay sealed."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from slipyard.clients.log_sinks.sink import SinkTarget, check_target, sink_for
from slipyard.domain.actor import Actor
from slipyard.domain.drain import DrainKind, DrainLine
from slipyard.domain.errors import SlipyardError
from slipyard.domain.ids import new_id
from slipyard.pipeline.context import Context
from slipyard.store.drain_progress import forget_progress
from slipyard.store.queries.apps import find_app
from slipyard.store.queries.log_drains import find_drain
from slipyard.store.tables import LogDrain


@dataclass(frozen=True)
class NewDrain:
    """`app` is an id or slug; None: every app of the organization."""

    name: str
    kind: str
    url: str = field(repr=False)
    authorization: str | None = field(default=None, repr=False)
    tenant: str | None = None
    app: str | None = None


async def make_drain(context: Context, asked: NewDrain, actor: Actor) -> LogDrain:
    """Forwards what is written from now on. `SourceRefused` for a URL that may not be called."""
    check_target(SinkTarget(DrainKind(asked.kind), asked.url), context.settings.allowed_networks)
    row = LogDrain(
        id=new_id("drn"),
        organization_id=actor.organization_id,
        name=asked.name,
        kind=asked.kind,
        url_encrypted=context.cipher.encrypt(asked.url.encode()),
        authorization_encrypted=_sealed(context, asked.authorization),
        tenant=asked.tenant,
        created_at=context.clock.now(),
    )

    def write(session: Session) -> None:
        row.app_id = None if asked.app is None else find_app(session, actor.organization_id, asked.app).id
        session.add(row)

    await context.database.writing(write)
    return row


async def change_drain(context: Context, id_or_name: str, changes: dict[str, Any], actor: Actor) -> LogDrain:
    """`changes`: name, url, authorization, tenant, enabled."""
    row = await context.database.reading(lambda session: find_drain(session, actor.organization_id, id_or_name))
    url, authorization = changes.pop("url", None), changes.pop("authorization", None)
    if url is not None:
        check_target(SinkTarget(DrainKind(row.kind), url), context.settings.allowed_networks)
        changes["url_encrypted"] = context.cipher.encrypt(url.encode())
    if authorization is not None:
        changes["authorization_encrypted"] = _sealed(context, authorization)

    def write(session: Session) -> LogDrain:
        changed = session.get_one(LogDrain, row.id)
        for name, value in changes.items():
            setattr(changed, name, value)
        session.add(changed)
        return changed

    return await context.database.writing(write)


async def remove_drain(context: Context, id_or_name: str, actor: Actor) -> LogDrain:
    """What waits for it is dropped."""

    def remove(session: Session) -> LogDrain:
        row = find_drain(session, actor.organization_id, id_or_name)
        session.delete(row)
        return row

    row = await context.database.writing(remove)
    await asyncio.to_thread(forget_progress, context.layout.drains, row.id)
    return row


async def try_drain(context: Context, id_or_name: str, actor: Actor) -> str | None:
    """Sends one line now; None where it was taken, else why not."""
    row = await context.database.reading(lambda session: find_drain(session, actor.organization_id, id_or_name))
    message = f"{actor.name} tries the log drain {row.name}. It works where you can read this."
    line = DrainLine(context.clock.now(), "slipyard", "test", row.id, "stdout", message)
    try:
        sink = sink_for(target_of(context, row), context.settings.domain, context.settings.allowed_networks)
        try:
            await sink.send([line])
        finally:
            await sink.close()
    except SlipyardError as error:
        return error.message
    return None


def target_of(context: Context, row: LogDrain) -> SinkTarget:
    authorization = row.authorization_encrypted
    return SinkTarget(
        DrainKind(row.kind),
        context.cipher.decrypt(row.url_encrypted).decode(),
        None if authorization is None else context.cipher.decrypt(authorization).decode(),
        row.tenant,
    )


def _sealed(context: Context, text: str | None) -> bytes | None:
    return None if text is None else context.cipher.encrypt(text.encode())
