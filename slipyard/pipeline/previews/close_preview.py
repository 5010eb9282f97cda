"""A preview goes: its app is deleted like any other, and its row stays with the reason."""

from sqlmodel import Session

from slipyard.pipeline.context import Context
from slipyard.pipeline.hosts.publish_hosts import try_to_publish_hosts
from slipyard.pipeline.stop_app import end_everything
from slipyard.store.events import lock_app, record
from slipyard.store.queries.previews import open_preview_of, open_previews, preview_of_app
from slipyard.store.tables import App, Preview


async def close_preview(context: Context, app_id: str, number: int, reason: str) -> Preview | None:
    """None where it is not open. Whoever waited for its place has it with the controller's next pass."""

    def close(session: Session) -> Preview | None:
        lock_app(session, app_id)
        row = open_preview_of(session, app_id, number)
        if row is not None:
            close_row(session, context, row, reason)
        return row

    row = await context.database.writing(close)
    if row is not None and row.preview_app_id is not None:
        await try_to_publish_hosts(context)
    return row


def close_row(session: Session, context: Context, row: Preview, reason: str) -> None:
    """In the caller's transaction, which has the previewed app locked."""
    now = context.clock.now()
    row.closed_at, row.reason = now, reason
    session.add(row)
    app = session.get(App, row.preview_app_id, with_for_update=True) if row.preview_app_id else None
    if app is not None and app.deleting_at is None:
        app.deleting_at, app.stopped = now, True
        session.add(app)
        end_everything(session, context, app, reason.rstrip("."))
        record(session, app.id, "app.deleting", reason, now=now)
    message = f"The preview of {row.head_ref} is removed: {reason}"
    record(session, row.app_id, "preview.closed", message, now=now, number=row.number)


def close_with(session: Session, context: Context, app: App, actor_name: str) -> None:
    """For an app that is deleted: its previews go with it; and where it is a preview, that one is over."""
    for row in open_previews(session, app.id):
        close_row(session, context, row, f"{actor_name} deleted {app.slug}.")
    own = preview_of_app(session, app.id)
    if own is not None:
        own.closed_at, own.reason = context.clock.now(), f"{actor_name} removed it."
        session.add(own)
