"""Which sources elsewhere are looked at next, and how the last looks went."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from slipyard.domain.lifecycle import BuildStatus
from slipyard.store.tables import App, Build, Poll

LONGEST_PAUSE = timedelta(hours=1)  # a moment further ahead was written before the wall clock jumped


def due_apps(session: Session, now: datetime, limit: int) -> list[tuple[App, Poll | None]]:
    """Whose turn has come, the longest waiting first; those that nobody looked at yet before all others."""
    turn = col(Poll.next_at).is_(None) | (col(Poll.next_at) <= now) | (col(Poll.next_at) > now + 2 * LONGEST_PAUSE)
    query = select(App, Poll).join(Poll, col(Poll.app_id) == col(App.id), isouter=True).where(turn)
    living = query.where(col(App.deleting_at).is_(None), col(App.deleted_at).is_(None), col(App.parent_id).is_(None))
    first = living.order_by(col(Poll.next_at).is_not(None), col(Poll.next_at), col(App.id))
    return [(app, row) for app, row in session.exec(first.limit(limit))]


def look_soon(session: Session, app_id: str, now: datetime, *, forget: bool) -> None:
    """At the next pass. With `forget` what was seen says nothing about the source of now.

    Which further refs were there is forgotten in any case: other triggers must not deploy what stood there before them.
    """
    row = session.get(Poll, app_id)
    if row is None:
        return
    if forget:
        session.delete(row)
    else:
        row.next_at, row.refs = now, None
        session.add(row)


def polls_of(session: Session, app_ids: Sequence[str]) -> dict[str, Poll]:
    """By app id; none for apps that nobody looked at."""
    query = select(Poll).where(col(Poll.app_id).in_(app_ids), col(Poll.looked_at).is_not(None))
    return {row.app_id: row for row in session.exec(query)}


def built_commit(session: Session, app: App) -> str | None:
    """The commit of the newest build of the app's repository and branch that did not fail, where it is known yet."""
    query = (
        select(Build).where(Build.app_id == app.id, col(Build.commit).is_not(None)).order_by(col(Build.number).desc())
    )
    source = app.config.source
    for build in session.exec(query.limit(20)):
        same = build.source.repo_url == source.repo_url and build.ref in {None, source.branch}
        if same and build.status in {BuildStatus.QUEUED, BuildStatus.RUNNING, BuildStatus.SUCCEEDED}:
            return build.commit
    return None
