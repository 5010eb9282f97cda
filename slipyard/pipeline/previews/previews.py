"""What a provider said of a pull or merge request, and what that means for the previews of an app."""

from dataclasses import replace

from sqlmodel import Session

from slipyard.domain.announcement import RequestChange, RequestMove
from slipyard.domain.git_ref import is_commit
from slipyard.domain.globs import is_chosen
from slipyard.domain.preview import closed_reason, fork_url, holds_forks, is_same_commit, unreadable_fork
from slipyard.domain.source import SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.previews.close_preview import close_preview
from slipyard.pipeline.previews.open_preview import Head, open_preview
from slipyard.pipeline.pushes.receive_push import PushDecision
from slipyard.pipeline.sources.branch_head import branch_head, head_elsewhere
from slipyard.store.queries.previews import last_preview_of
from slipyard.store.tables import App, Preview


async def request_changed(
    context: Context, app_id: str, change: RequestChange, provider: str, repository: str, sender: str
) -> PushDecision:
    """Repeatable: the same message again finds everything as it left it. `UserError` for names that are none."""
    if change.move is RequestMove.CLOSED:
        return await _closed(context, app_id, change)
    ignored = await context.database.reading(lambda session: _why_not(session, app_id, change))
    if ignored is not None:
        return PushDecision("ignored", ignored)
    if change.fork and not holds_forks(provider) and not change.fork_repository:
        return PushDecision("ignored", unreadable_fork(provider))
    whole = await _with_whole_commit(context, app_id, change)
    row, shown = await open_preview(context, app_id, Head(whole, provider, repository, sender or provider))
    message = f"Request {row.number}: {shown.message}"
    if shown.deployment is None:
        return PushDecision("ignored", message)
    return PushDecision("deployed", message, shown.deployment.build_id, shown.deployment.id)


async def _with_whole_commit(context: Context, app_id: str, change: RequestChange) -> RequestChange:
    """Where it was abbreviated, the head of the branch: this very commit, or one that came after it."""
    if is_commit(change.head_commit):
        return change
    app = await context.database.reading(lambda session: session.get_one(App, app_id))
    own_url = fork_url(app.config.source.repo_url, change.fork_repository) if change.fork else None
    if own_url is not None:
        return replace(change, head_commit=await head_elsewhere(context, own_url, change.head_ref))
    return replace(change, head_commit=await branch_head(context, app, change.head_ref))


async def _closed(context: Context, app_id: str, change: RequestChange) -> PushDecision:
    """Also where previews were turned off meanwhile."""
    row = await close_preview(context, app_id, change.number, closed_reason(change.number))
    if row is None:
        return PushDecision("ignored", f"Request {change.number} was closed; it had no preview.")
    return PushDecision("ignored", f"Request {change.number} was closed; its preview is being removed.")


def _why_not(session: Session, app_id: str, change: RequestChange) -> str | None:
    app = session.get_one(App, app_id)
    rules, source = app.config.triggers.previews, app.config.source
    if app.deleting_at is not None:
        return "The app is being deleted."
    if not rules.enabled:
        return "Previews of requests are off for this app; triggers.previews.enabled turns them on."
    if source.type is not SourceType.GIT or source.own_remote:
        return "The app's source is not this repository; set source.repo_url to have previews of its requests."
    if change.move is RequestMove.OTHER:
        return f"Nothing that a preview shows has changed in request {change.number}."
    wanted = rules.branches or [source.branch]
    if not is_chosen(wanted, change.base_ref):
        return (
            f"Request {change.number} goes into {change.base_ref}; only those into {', '.join(wanted)} have previews."
        )
    return _over(last_preview_of(session, app_id, change.number), change)


def _over(before: Preview | None, change: RequestChange) -> str | None:
    """A late message of a request that is closed. One that was opened again says so."""
    late = change.move is RequestMove.UPDATED and before is not None and before.closed_at is not None
    if late and before is not None and is_same_commit(before.head_commit, change.head_commit):
        return f"The preview of {change.head_commit[:12]} is gone: {before.reason}"
    return None
