"""Previews that nobody's message changes: too old, or waiting for a place or a name; and what the requests are told."""

from datetime import timedelta

import structlog
from sqlmodel import Session

from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.previews.close_preview import close_preview
from slipyard.pipeline.previews.open_preview import set_going
from slipyard.pipeline.previews.show_preview import Shown, is_let_in, show_preview
from slipyard.pipeline.telling.tell_previews import tell_previews
from slipyard.store.queries.previews import open_previews
from slipyard.store.tables import App, Preview

_log = structlog.get_logger()


async def keep_previews(context: Context) -> int:
    """One pass; returns how many are open, whose time may be up at the next one. One that fails holds up no other."""
    rows = await context.database.reading(open_previews)
    for row in rows:
        try:
            await _keep(context, row)
        except SlipyardError as error:
            _log.warning("preview_not_kept", preview_id=row.id, error=error.message)
    await tell_previews(context)
    return len(rows)


async def _keep(context: Context, row: Preview) -> None:
    hours = await context.database.reading(
        lambda session: session.get_one(App, row.app_id).config.triggers.previews.ttl_hours
    )
    if row.seen_at + timedelta(hours=hours) < context.clock.now():
        await close_preview(context, row.app_id, row.number, f"No new commit came for {hours} hours.")
    elif row.preview_app_id is None and is_let_in(row):
        await set_going(context, await context.database.writing(lambda session: _place(session, context, row)))


def _place(session: Session, context: Context, seen: Preview) -> Shown:
    parent = changeable_app(session, seen.app_id)
    row = session.get_one(Preview, seen.id, with_for_update=True)
    if row.closed_at is not None:
        return Shown(row.reason)
    shown = show_preview(session, context, parent, row, row.author or row.provider)
    session.add(row)
    return shown
