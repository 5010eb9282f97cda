"""A request has a head, new or as before: its preview is written down, and shown where that may be."""

from dataclasses import dataclass

from sqlmodel import Session

from slipyard.domain.announcement import RequestChange, RequestMove
from slipyard.domain.errors import SourceRefused
from slipyard.domain.git_ref import check_branch, check_commit
from slipyard.domain.ids import new_id
from slipyard.domain.preview import FIRST_BRANCH_NUMBER, fork_url, holds_forks
from slipyard.domain.source import SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.find_app import changeable_app
from slipyard.pipeline.hosts.publish_hosts import try_to_publish_hosts
from slipyard.pipeline.previews.show_preview import Shown, show_preview
from slipyard.pipeline.wake import wake_deployment
from slipyard.store.events import record
from slipyard.store.queries.previews import (
    branch_preview_of,
    last_preview_of,
    next_branch_number,
    open_preview_of,
)
from slipyard.store.tables import App, Preview

_LONGEST_TITLE = 255
BRANCH = "branch"  # the provider of a preview that was asked for without a request


@dataclass(frozen=True)
class Head:
    """`change.number` 0: a branch without a request, which gets a number of its own."""

    change: RequestChange
    provider: str
    repository: str
    actor_name: str


async def open_preview(context: Context, app_id: str, head: Head) -> tuple[Preview, Shown]:
    """`SourceRefused` for names that are none and for an app without a repository, `NotFound`, `Conflict`."""
    check_branch(head.change.head_ref)
    check_commit(head.change.head_commit)
    late = await _is_older(context, app_id, head.change)
    row, shown = await context.database.writing(lambda session: _open(session, context, app_id, head, late=late))
    await set_going(context, shown)
    return row, shown


async def open_branch_preview(
    context: Context, app_id: str, branch: str, commit: str, actor_name: str
) -> tuple[Preview, Shown]:
    """A preview of a branch that nobody made a request of; the same branch again shows its new commit."""
    change = RequestChange(0, RequestMove.OPENED, branch, commit, "", fork=False, title=branch)
    return await open_preview(context, app_id, Head(change, BRANCH, "", actor_name))


async def set_going(context: Context, shown: Shown) -> None:
    """After the transaction that showed it."""
    if shown.made:
        await try_to_publish_hosts(context)
    if shown.deployment is not None:
        await wake_deployment(context, shown.deployment)


async def _is_older(context: Context, app_id: str, change: RequestChange) -> bool:
    """A late message: the commit that was seen already contains this one."""
    if not change.number:
        return False
    before = await context.database.reading(lambda session: last_preview_of(session, app_id, change.number))
    if before is None or before.head_commit == change.head_commit:
        return False
    mirror = context.layout.repository(app_id)
    return await context.git.is_ancestor(mirror, change.head_commit, before.head_commit)


def _open(session: Session, context: Context, app_id: str, head: Head, *, late: bool) -> tuple[Preview, Shown]:
    app = changeable_app(session, app_id)
    _check_app(app)
    before = last_preview_of(session, app_id, head.change.number)
    if late and before is not None:
        commit = head.change.head_commit[:12]
        return before, Shown(f"{commit} is older than what was seen of {name_of(before)} already.")
    row = _row(session, context, app, head)
    _see(context, row, head.change)
    if head.change.fork and not holds_forks(head.provider):
        row.fork_url = fork_url(app.config.source.repo_url, head.change.fork_repository)
    shown = show_preview(session, context, app, row, head.actor_name)
    session.add(row)
    session.flush()
    kind = "preview.deploying" if shown.deployment else "preview.waiting"
    record(session, app.id, kind, f"{name_of(row)}: {shown.message}", now=context.clock.now(), number=row.number)
    return row, shown


def _check_app(app: App) -> None:
    if app.config.source.type is not SourceType.GIT:
        raise SourceRefused(
            f"The source of {app.slug} is {app.config.source.type}, and previews are of branches in git."
        )
    if app.parent_id is not None:
        raise SourceRefused(f"{app.slug} is a preview itself; ask for previews of the app that it shows.")


def _row(session: Session, context: Context, app: App, head: Head) -> Preview:
    change, now = head.change, context.clock.now()
    branch = None if change.number else branch_preview_of(session, app.id, change.head_ref)
    number = change.number or (branch.number if branch else next_branch_number(session, app.id))
    return open_preview_of(session, app.id, number) or Preview(
        id=new_id("prv"),
        app_id=app.id,
        number=number,
        provider=head.provider,
        repository=head.repository,
        head_ref=change.head_ref,
        head_commit="",
        seen_at=now,
        created_at=now,
    )


def _see(context: Context, row: Preview, change: RequestChange) -> None:
    if row.head_commit != change.head_commit:
        row.head_commit, row.seen_at = change.head_commit, context.clock.now()
    row.head_ref, row.url = change.head_ref, change.url
    row.title, row.author = change.title[:_LONGEST_TITLE], change.author[:_LONGEST_TITLE]
    row.fork = row.fork or change.fork  # what came from outside once is never taken for ours


def name_of(row: Preview) -> str:
    return f"branch {row.head_ref}" if row.number >= FIRST_BRANCH_NUMBER else f"request {row.number}"
