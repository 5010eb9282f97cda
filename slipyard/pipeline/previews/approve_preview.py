"""Somebody has looked at a fork's commit and lets it in: this one, and no other after it."""

from sqlmodel import Session

from slipyard.domain.actor import Actor
from slipyard.domain.errors import Conflict, NotFound
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.previews.open_preview import set_going
from slipyard.pipeline.previews.show_preview import Shown, show_preview
from slipyard.store.events import record
from slipyard.store.queries.previews import open_preview_of
from slipyard.store.tables import Preview


async def approve_preview(
    context: Context, app_id: str, number: int, commit: str, actor: Actor
) -> tuple[Preview, Shown]:
    """`Conflict` where the request has another commit by now: look at that one first."""

    def approve(session: Session) -> tuple[Preview, Shown]:
        app = changeable_app(session, app_id)
        row = open_preview_of(session, app_id, number)
        if row is None:
            raise NotFound(f"{app.slug} has no open preview {number}; `slipyard previews list` shows what there is.")
        if row.head_commit != commit:
            raise Conflict(
                f"Request {number} has moved on: its head is {row.head_commit}, not {commit[:12]}. Look at that one, then"
                " approve it."
            )
        row.approved_commit = commit
        shown = show_preview(session, context, app, row, actor.name)
        session.add(row)
        message = f"{actor.name} approved {commit[:12]} of request {number}."
        record(session, app_id, "preview.approved", message, now=context.clock.now(), number=number)
        return row, shown

    row, shown = await context.database.writing(approve)
    await set_going(context, shown)
    return row, shown
