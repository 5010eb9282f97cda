"""Previews against the requests that are open at the host: what an event that nobody saw left behind, or left out."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from sqlmodel import Session, col, select

from slipyard.domain.announcement import RequestChange, RequestMove
from slipyard.domain.errors import AskedToWait, SlipyardError, Unavailable
from slipyard.domain.preview import FIRST_BRANCH_NUMBER, closed_reason, is_same_commit, not_open_reason
from slipyard.pipeline.context import Context
from slipyard.pipeline.outside.connect import code_host_for, repository_at
from slipyard.pipeline.previews.close_preview import close_preview
from slipyard.pipeline.previews.previews import request_changed
from slipyard.store.queries.connections import connection_for
from slipyard.store.queries.previews import last_preview_of, open_previews
from slipyard.store.tables import App, Connection, Preview

_EVERY_SECONDS = 300.0
_LONGEST_SECONDS = 3600.0
_log = structlog.get_logger()


@dataclass
class HostWatch:
    """When each host is asked next, by the clock of the machine, and how often in a row it did not answer."""

    _next: dict[str, float] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)

    def is_due(self, host: str, now: float) -> bool:
        return now >= self._next.get(host, 0.0)

    def answered(self, host: str, now: float) -> None:
        self._failures.pop(host, None)
        self._next[host] = now + _EVERY_SECONDS

    def failed(self, host: str, now: float, at_least: float = 0.0) -> None:
        self._failures[host] = count = self._failures.get(host, 0) + 1
        self._next[host] = now + max(at_least, min(_LONGEST_SECONDS, _EVERY_SECONDS * 2 ** min(count, 8)))


@dataclass(frozen=True)
class _Watched:
    app: App
    connection: Connection
    repository: str


async def reconcile_previews(context: Context, watch: HostWatch) -> None:
    """One pass: each host that is due, side by side, so that one that is away holds up no other."""
    hosts: dict[str, list[_Watched]] = {}
    for each in await context.database.reading(_watched):
        if watch.is_due(each.connection.id, context.clock.monotonic()):
            hosts.setdefault(each.connection.id, []).append(each)
    await asyncio.gather(*(_ask_host(context, watch, apps) for apps in hosts.values()))


async def _ask_host(context: Context, watch: HostWatch, apps: list[_Watched]) -> None:
    connection = apps[0].connection
    for each in apps:
        try:
            await _compare(context, each)
        except Unavailable as error:
            _log.warning("requests_unknown", host=connection.host, error=error.message)
            asked = error.seconds if isinstance(error, AskedToWait) else 0.0
            watch.failed(connection.id, context.clock.monotonic(), asked)
            return
        except SlipyardError as error:  # this repository alone: its name or the rights of the token
            _log.warning("requests_unknown", host=connection.host, app_id=each.app.id, error=error.message)
    watch.answered(connection.id, context.clock.monotonic())


async def _compare(context: Context, watched: _Watched) -> None:
    asked_at = context.clock.now()
    found = await code_host_for(context, watched.connection).open_requests(watched.repository)
    await _close_others(context, watched.app, {request.number for request in found}, asked_at)
    for request in found:
        await _follow(context, watched, request)


async def _close_others(context: Context, app: App, open_numbers: set[int], asked_at: datetime) -> None:
    for row in await context.database.reading(lambda session: open_previews(session, app.id)):
        known_before = row.created_at < asked_at  # a younger one may not have been in the host's answer
        if row.number < FIRST_BRANCH_NUMBER and row.number not in open_numbers and known_before:
            await close_preview(context, app.id, row.number, not_open_reason(row.number))


async def _follow(context: Context, watched: _Watched, request: RequestChange) -> None:
    before = await context.database.reading(lambda session: last_preview_of(session, watched.app.id, request.number))
    same = before is not None and is_same_commit(before.head_commit, request.head_commit)
    if before is not None and same and not _opened_again(before):
        return
    told = replace(request, move=RequestMove.OPENED)
    provider = watched.connection.provider
    try:
        await request_changed(context, watched.app.id, told, provider, watched.repository, request.author)
    except SlipyardError as error:  # such as a branch whose name is none
        _log.warning("request_not_followed", app_id=watched.app.id, number=request.number, error=error.message)


def _opened_again(before: Preview) -> bool:
    """One whose preview somebody removed, or that became too old, comes back with a new commit and not before."""
    return before.closed_at is not None and before.reason in {
        closed_reason(before.number),
        not_open_reason(before.number),
    }


def _watched(session: Session) -> list[_Watched]:
    """Apps that have previews, or had them until they were turned off, where we have a token for their host."""
    shown = select(Preview.app_id).where(col(Preview.closed_at).is_(None))
    apps = session.exec(select(App).where(col(App.deleting_at).is_(None), col(App.parent_id).is_(None))).all()
    with_rows = set(session.exec(shown).all())
    watched = []
    for app in apps:
        if not app.config.triggers.previews.enabled and app.id not in with_rows:
            continue
        connection = connection_for(session, app)
        if connection is not None:
            watched.append(_Watched(app, connection, repository_at(connection, app)))
    return watched
