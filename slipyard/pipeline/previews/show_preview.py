"""Whether the head of a request may be shown, and if so, its build: in the transaction of who asks."""

from dataclasses import dataclass

from sqlmodel import Session

from slipyard.domain.preview import holding_ref, holds_forks, unreadable_fork
from slipyard.pipeline.context import Context
from slipyard.pipeline.previews.make_preview_app import make_preview_app, take_over
from slipyard.pipeline.write_down import Asked, AskedBuild, write_build, write_deployment
from slipyard.store.queries.previews import shown_previews
from slipyard.store.tables import App, Build, Deployment, Preview

TRIGGER = "preview"


@dataclass(frozen=True)
class Shown:
    """`deployment` is None where nothing was begun; `message` says why."""

    message: str
    deployment: Deployment | None = None
    made: bool = False


def show_preview(session: Session, context: Context, parent: App, row: Preview, actor_name: str) -> Shown:
    """`parent` is locked. What keeps the preview from being shown is noted in its row."""
    row.reason = _why_not(row) or ""
    app = None if row.preview_app_id is None else session.get_one(App, row.preview_app_id, with_for_update=True)
    made = app is None
    if app is None and not row.reason:
        app = _new_app(session, context, parent, row)
    if app is None or row.reason:
        return Shown(row.reason)
    if app.decided_commit == row.head_commit:
        return Shown(f"{app.slug} shows {row.head_commit[:12]} already.")
    take_over(session, context, parent, app, row)
    deployment = deploy_head(session, context, app, row, actor_name)
    message = f"{row.head_commit[:12]} is being built as {app.slug}, deployment {deployment.number}."
    return Shown(message, deployment, made)


def deploy_head(
    session: Session, context: Context, app: App, row: Preview, actor_name: str, *, no_cache: bool = False
) -> Deployment:
    """Exactly this commit, whatever the branch points to by then: of a fork, somebody has looked at no other."""
    build = _build(session, context, app, row, no_cache=no_cache)
    asked = Asked(TRIGGER, actor_name, title=row.title[:255], commit=row.head_commit, build_id=build.id)
    app.decided_commit = row.head_commit
    return write_deployment(session, context, app, asked)


def _build(session: Session, context: Context, app: App, row: Preview, *, no_cache: bool) -> Build:
    ref = holding_ref(row.provider, row.number, row.head_ref)
    asked = AskedBuild(app.config.source, ref=ref, commit=row.head_commit, no_cache=no_cache)
    return write_build(session, context, app, asked)


def is_let_in(row: Preview) -> bool:
    return _why_not(row) is None


def _why_not(row: Preview) -> str | None:
    if not row.fork or row.approved_commit == row.head_commit:
        return None
    if not holds_forks(row.provider) and row.fork_url is None:
        return unreadable_fork(row.provider)
    return (
        f"It comes from a fork, so somebody must look at it first: `slipyard previews approve {row.number} --commit"
        f" {row.head_commit}` shows exactly this commit."
    )


def _new_app(session: Session, context: Context, parent: App, row: Preview) -> App | None:
    maximum = parent.config.triggers.previews.maximum
    if shown_previews(session, parent.id) >= maximum:
        row.reason = (
            f"{parent.slug} shows {maximum} previews already, which is its maximum; this one waits for a place."
        )
        return None
    app = make_preview_app(session, context, parent, row)
    if app is None:
        row.reason = "Its name is that of another app, perhaps of one that is being removed; it is tried again."
    return app
