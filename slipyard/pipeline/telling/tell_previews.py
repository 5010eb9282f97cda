"""The one comment of each request: what it should say now, written down for the outbox whenever that changes."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from slipyard.domain.ids import new_id
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.preview import FIRST_BRANCH_NUMBER
from slipyard.pipeline.context import Context
from slipyard.store.queries.connections import connection_for
from slipyard.store.tables import App, Deployment, Message, Preview

KIND = "comment"
OVER = "closed"  # in `told`: its last word was written down
_LONGEST_REASON = 300


@dataclass(frozen=True)
class _Situation:
    row: Preview
    app: App | None
    latest: Deployment | None


async def tell_previews(context: Context) -> None:
    """One pass; it writes only where a comment has become wrong."""
    stale = await context.database.reading(lambda session: _stale(session, context))
    for preview_id in stale:
        await context.database.writing(partial(_write_down, context=context, preview_id=preview_id))


def comment_text(context: Context, row: Preview, app: App | None, latest: Deployment | None) -> str:
    """Markdown. What comes from outside stands in code spans, where it can neither link nor call anybody."""
    return f"**Preview** of `{row.head_commit[:12]}`\n\n{_sentence(context, row, app, latest)}\n"


def _sentence(context: Context, row: Preview, app: App | None, latest: Deployment | None) -> str:
    if row.closed_at is not None:
        return f"Removed. {row.reason}"
    url = context.settings.app_url(app.host) if app else ""
    if row.reason:
        shown = f"\n\n{url} shows an earlier commit." if app and app.last_deployed_at else ""
        return f"Not shown yet. {row.reason}{shown}"
    if app is None or latest is None:
        return "It is about to be built."
    return _state(latest, url, before=app.last_deployed_at is not None)


def _state(latest: Deployment, url: str, *, before: bool) -> str:
    match latest.status:
        case DeploymentStatus.ACTIVE | DeploymentStatus.SUPERSEDED | DeploymentStatus.ROLLED_BACK:
            return f"Live at {url}"
        case DeploymentStatus.FAILED | DeploymentStatus.CANCELLED:
            said = "It failed" if latest.status is DeploymentStatus.FAILED else "It was cancelled"
            return f"{said}: `{_quoted(latest.error or '')}`" + (
                f"\n\n{url} shows the commit before." if before else ""
            )
        case DeploymentStatus.PENDING | DeploymentStatus.BUILDING:
            return f"It is being built; it will be at {url}"
        case _:
            return f"It is being rolled out to {url}"


def _quoted(text: str) -> str:
    first = (text.strip().splitlines() or ["no reason was given"])[0]
    return first.replace("`", "'")[:_LONGEST_REASON]


def _stale(session: Session, context: Context) -> list[str]:
    """Requests alone: a branch has no place for a comment."""
    still_told = col(Preview.told).not_in(("", OVER))
    query = select(Preview).where(Preview.number < FIRST_BRANCH_NUMBER)
    rows = session.exec(query.where(or_(col(Preview.closed_at).is_(None), still_told)).order_by(col(Preview.id))).all()
    places = _places(session, {row.app_id for row in rows})
    return [
        row.id
        for row in rows
        if (row.closed_at is not None or row.app_id in places)
        and _digest(context, _situation(session, row)) != row.told
    ]


def _places(session: Session, app_ids: set[str]) -> set[str]:
    """Apps whose requests can be told anything: without a connection there is nobody to write to."""
    apps = session.exec(select(App).where(col(App.id).in_(app_ids))).all()
    return {app.id for app in apps if connection_for(session, app) is not None}


def _write_down(session: Session, context: Context, preview_id: str) -> None:
    row = session.get_one(Preview, preview_id, with_for_update=True)
    found, now = _situation(session, row), context.clock.now()
    digest = _digest(context, found)
    if digest != row.told and _places(session, {row.app_id}):
        session.add(_message(session, row, comment_text(context, row, found.app, found.latest), now))
    row.told = OVER if row.closed_at is not None else digest
    session.add(row)


def _message(session: Session, row: Preview, text: str, now: datetime) -> Message:
    message_id, lane = new_id("msg"), f"{KIND}:{row.id}"
    last = session.exec(select(func.max(Message.sequence)).where(Message.lane == lane)).one()
    return Message(
        id=message_id,
        key=f"{lane}:{message_id}",
        app_id=row.app_id,
        kind=KIND,
        target_id=row.id,
        lane=lane,
        sequence=(last or 0) + 1,
        payload={"text": text},
        next_at=now,
        created_at=now,
    )


def _situation(session: Session, row: Preview) -> _Situation:
    app = session.get(App, row.preview_app_id) if row.preview_app_id else None
    if app is None:
        return _Situation(row, None, None)
    newest = select(func.max(Deployment.number)).where(Deployment.app_id == app.id).scalar_subquery()
    query = select(Deployment).where(Deployment.app_id == app.id, Deployment.number == newest)
    return _Situation(row, app, session.exec(query).first())


def _digest(context: Context, found: _Situation) -> str:
    return hashlib.sha256(comment_text(context, found.row, found.app, found.latest).encode()).hexdigest()
