"""Files are copied into an instance and out of it; both are audited."""

from collections.abc import AsyncIterator

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Unavailable
from slipyard.pipeline.commands.choose_instance import chosen_instance
from slipyard.pipeline.context import Context
from slipyard.store.events import record
from slipyard.store.tables import App


async def begin_copy_out(
    context: Context, app_id: str, instance: str | None, path: str, actor: Actor
) -> AsyncIterator[bytes]:
    """`NotFound` where nothing lies there, before anything is answered."""
    chosen = await _chosen(context, app_id, instance)
    content = context.driver.copy_out(chosen, path)
    first = await anext(content, b"")
    await _say(context, app_id, f"{actor.name} copied {path} out of instance {chosen[-8:]}.")
    return _capped(first, content, context.settings.max_upload_bytes)


async def copy_in(
    context: Context, app_id: str, instance: str | None, path: str, content: AsyncIterator[bytes], actor: Actor
) -> int:
    """How many bytes. `NotFound` where the directory is not there."""
    chosen = await _chosen(context, app_id, instance)
    taken = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal taken
        async for piece in content:
            taken += len(piece)
            yield piece

    await context.driver.copy_in(chosen, path, counted())
    await _say(context, app_id, f"{actor.name} copied {taken} bytes into {path} of instance {chosen[-8:]}.")
    return taken


async def _capped(first: bytes, rest: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """Breaking off is the only way to say it: the answer has begun."""
    size = len(first)
    yield first
    async for piece in rest:
        size += len(piece)
        if size > most:
            raise Unavailable(f"More than {most} bytes cannot be copied at once (SLIPYARD_MAX_UPLOAD_BYTES).")
        yield piece


async def _chosen(context: Context, app_id: str, instance: str | None) -> str:
    def choose(session: Session) -> str:
        return chosen_instance(session, session.get_one(App, app_id), instance)

    return await context.database.reading(choose)


async def _say(context: Context, app_id: str, message: str) -> None:
    now = context.clock.now()
    await context.database.writing(lambda session: record(session, app_id, "files.copied", message[:1000], now=now))
