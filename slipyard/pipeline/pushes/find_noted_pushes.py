"""Pushes to apps' own remotes whose receiver was killed: of branches, tags and previews alike, as they were asked for."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from sqlmodel import Session

from slipyard.domain.errors import SlipyardError
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.push_notes import left_notes
from slipyard.pipeline.pushes.receive_push import receive_pushes
from slipyard.pipeline.pushes.stored_push import AskedPush, show_branch, stored_push
from slipyard.store.tables import App

_log = structlog.get_logger()


@dataclass
class NoteWatch:
    """Notes that nobody held at the last look: a git that has lost its receiver may still move a ref, for a moment."""

    left: set[Path] = field(default_factory=set)


async def find_noted_pushes(context: Context, watch: NoteWatch) -> None:
    """One pass: what was left at the last look too is decided. Costs one look at a directory."""
    before, found = watch.left, await asyncio.to_thread(lambda: list(left_notes(context.layout)))
    watch.left = {path for path, _ in found} - before
    for path, asked in found:
        if path in before:
            if asked is not None:
                await _decide(context, asked)
            await asyncio.to_thread(path.unlink, missing_ok=True)


async def _decide(context: Context, asked: AskedPush) -> None:
    """Repeatable: what was decided before its receiver died is known."""
    app = await context.database.reading(lambda session: _living(session, asked.app_id))
    if app is None:
        return
    found = stored_push(app, asked, await context.git.tips(context.layout.repository(app.id)))
    try:
        if found.pushes:
            await receive_pushes(context, found.pushes)
        for update in found.previews:
            await show_branch(context, asked, update)
    except SlipyardError as error:
        _log.warning("push_not_shown", app_id=app.id, error=error.message)


def _living(session: Session, app_id: str) -> App | None:
    app = session.get(App, app_id)
    return app if app is not None and app.deleting_at is None and app.config.source.own_remote else None
