"""The net below webhooks: sources elsewhere are looked at again and again, and what nobody told of goes the usual way."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from slipyard.domain.errors import Conflict, SlipyardError, SystemFault
from slipyard.domain.source import Source, SourceType
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.push_seen import PushDecision
from slipyard.pipeline.sources.follow_source import follow_source
from slipyard.pipeline.sources.git_access import shown_keys, write_access
from slipyard.pipeline.sources.lanes import Lanes, NoTurn
from slipyard.pipeline.sources.look_at_source import Outlook, look, outlook
from slipyard.store.queries.polls import LONGEST_PAUSE, due_apps
from slipyard.store.tables import App, Poll

_AT_ONCE = 1000  # apps of one pass
_WIDTH, _OF_ONE_HOST = 8, 2
_PASS_SECONDS = 30.0
_MOST_DOUBLINGS = 3
_log = structlog.get_logger()


@dataclass(frozen=True)
class Look:
    """How one look went. `found` is a commit or a digest; `decision` what became of it."""

    app_id: str
    source: Source
    failures: int
    found: str | None = None
    refs: dict[str, str] | None = None
    problem: SlipyardError | None = None
    keys: str = ""  # of an ssh host, as it showed them
    decision: PushDecision | None = None

    @property
    def error(self) -> str | None:
        return self.problem.message if self.problem else None


@dataclass(frozen=True)
class _Due:
    app_id: str
    row: Poll | None
    outlook: Outlook | None

    @property
    def failures(self) -> int:
        return self.row.failures if self.row else 0


async def poll(context: Context) -> None:
    """One pass over what is due: one query, the looks, one transaction. A second pass takes up what found no time."""
    if not context.settings.poll_seconds:
        return
    due = await context.database.reading(lambda session: _due(session, context))
    if not due:
        return
    lanes = Lanes(context.clock, width=_WIDTH, of_one_host=_OF_ONE_HOST, seconds=_PASS_SECONDS)
    watched = [(each, each.outlook) for each in due if each.outlook is not None]
    looks = await asyncio.gather(*(_in_lane(context, lanes, each, outlook) for each, outlook in watched))
    idle = [each.app_id for each in due if each.outlook is None]
    done = [each for each in looks if each is not None]
    await context.database.writing(lambda session: _write(session, context, done, idle))


async def poll_now(context: Context, app_id: str) -> Look | None:
    """Somebody asks for a look, whenever the next one would be. None where there is nothing elsewhere to look at."""
    due = await context.database.reading(lambda session: _of(session, context, app_id))
    if due.outlook is None:
        return None
    found = await _look(context, due, due.outlook)
    await context.database.writing(lambda session: _write(session, context, [found], []))
    return found


async def _in_lane(context: Context, lanes: Lanes, due: _Due, outlook: Outlook) -> Look | None:
    try:
        return await lanes.run(outlook.host, lambda: _asked(context, due, outlook))
    except NoTurn:
        return None
    except SlipyardError as error:
        return _failed(due, outlook, error)
    except Exception as error:  # noqa: BLE001 - one bad app must not end the pass of the others
        _log.exception("poll_failed", app_id=due.app_id)
        said = f"Slipyard failed while it looked ({type(error).__name__}); its log says more."
        return _failed(due, outlook, SystemFault(said))


async def _look(context: Context, due: _Due, outlook: Outlook) -> Look:
    try:
        return await _asked(context, due, outlook)
    except SlipyardError as error:
        return _failed(due, outlook, error)


async def _asked(context: Context, due: _Due, outlook: Outlook) -> Look:
    sight = await look(context, outlook)
    decision = await follow_source(context, outlook.app, sight, due.row)
    keys = await shown_keys(context, outlook.source) if outlook.credential else ""
    return Look(due.app_id, outlook.source, 0, found=sight.found, refs=sight.refs, keys=keys, decision=decision)


def _failed(due: _Due, outlook: Outlook, problem: SlipyardError) -> Look:
    seen, refs = (due.row.seen, due.row.refs) if due.row else (None, None)
    return Look(due.app_id, outlook.source, due.failures + 1, found=seen, refs=refs, problem=problem)


def _due(session: Session, context: Context) -> list[_Due]:
    rows = due_apps(session, context.clock.now(), _AT_ONCE)
    return [_Due(app.id, row, outlook(session, context, app) if app.config.auto_deploy else None) for app, row in rows]


def _of(session: Session, context: Context, app_id: str) -> _Due:
    app = session.get_one(App, app_id)
    if app.deleting_at is not None:
        raise Conflict(f"{app.slug} is being deleted; nothing about it can change any more.")
    return _Due(app.id, session.get(Poll, app.id), outlook(session, context, app))


def _write(session: Session, context: Context, looks: Sequence[Look], idle: Sequence[str]) -> None:
    now = context.clock.now()
    for each in looks:
        app = session.get(App, each.app_id)
        if app is not None and app.config.source == each.source:  # else somebody changed it: what was seen is of no use
            pause = _pause(context.settings.poll_seconds, each.failures)
            session.merge(_row(each, now, now + pause))
            if each.source.type is SourceType.GIT:
                write_access(session, context, app.id, each.source, each.problem, each.keys)
    for app_id in idle:
        row = session.get(Poll, app_id) or Poll(app_id=app_id, next_at=now)
        row.next_at = now + LONGEST_PAUSE
        session.add(row)


def _row(found: Look, now: datetime, next_at: datetime) -> Poll:
    return Poll(
        app_id=found.app_id,
        next_at=next_at,
        failures=found.failures,
        error=found.error,
        seen=found.found,
        refs=found.refs,
        looked_at=now,
    )


def _pause(seconds: float, failures: int) -> timedelta:
    """A fifth more or less, so that apps do not all ask at once; doubled from the second failure in a row on."""
    jitter = 0.8 + secrets.randbelow(401) / 1000
    doublings = min(max(failures - 1, 0), _MOST_DOUBLINGS)
    return min(timedelta(seconds=seconds * jitter * 2**doublings), LONGEST_PAUSE)
