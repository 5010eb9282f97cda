"""The row of an app that may still change."""

from sqlmodel import Session

from slipyard.domain.errors import Conflict, NotFound, PreconditionFailed
from slipyard.store.tables import App


def configurable_app(session: Session, app_id: str, if_version: int | None = None) -> App:
    """As `changeable_app`, and `Conflict` for a preview, which takes what it is told to be from its app."""
    app = changeable_app(session, app_id, if_version)
    if app.parent_id is not None:
        parent = session.get_one(App, app.parent_id)
        raise Conflict(
            f"{app.slug} is a preview: its source, configuration and variables come from {parent.slug} and its request."
            f" Change {parent.slug}, and send the preview a new commit."
        )
    return app


def changeable_app(session: Session, app_id: str, if_version: int | None = None) -> App:
    """Locked until the transaction ends. `NotFound`, `Conflict` while it is being deleted, `PreconditionFailed` where
    somebody changed it since the caller read `if_version`."""
    app = session.get(App, app_id, with_for_update=True)
    if app is None or app.deleted_at is not None:
        raise NotFound(f"There is no app {app_id}. `slipyard apps list` shows what there is.")
    if app.deleting_at is not None:
        raise Conflict(f"{app.slug} is being deleted; nothing about it can change any more.")
    if if_version is not None and app.version != if_version:
        raise PreconditionFailed(f"{app.slug} was changed by somebody else meanwhile. Read it again, then change it.")
    return app
