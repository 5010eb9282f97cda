"""What the mirror of an app knows about pushes, before they are decided. It never fetches: nobody waits for a host."""

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from sqlmodel import Session

from slipyard.clients.git_diff import changed_paths
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import SlipyardError, SourceRefused
from slipyard.domain.push_rules import Stopped, stopped_by_auto_deploy, stopped_by_paths, stopped_by_ref
from slipyard.pipeline.context import Context
from slipyard.pipeline.push_seen import ASKED_ITSELF, PushSeen
from slipyard.store.queries.pushes import Compared, compared_with, ref_history
from slipyard.store.tables import App

_FEW = 1000  # comparisons of a path with a pattern that are made on the event loop


@dataclass(frozen=True)
class Looked:
    """Pushes with their `head_message`, as they were seen when `decided` was the commit of the app decided last.

    `older`: contained in `decided`, by ancestry. `unwatched`: what the rule about paths says, by commit.
    """

    decided: str | None
    pushes: tuple[PushSeen, ...]
    older: frozenset[str] = frozenset()
    unwatched: Mapping[str, Stopped] = field(default_factory=dict)


@dataclass(frozen=True)
class _Before:
    config: AppConfig
    decided: str | None
    compared: dict[PushSeen, Compared]
    in_order: AbstractSet[PushSeen] = frozenset()  # they begin where the ref is known to stand


async def look_at_pushes(context: Context, pushes: Sequence[PushSeen]) -> Looked:
    before = await context.database.reading(lambda session: _before(session, pushes))
    asked = [push for push in pushes if push in before.compared]
    doubtful = [push for push in asked if push not in before.in_order]
    older = {push.commit for push in doubtful if await _is_older(context, push, before.decided)}
    told = {push: await _with_message(context, push) for push in asked}
    ruled = {push.commit: await _stopped_by_paths(context, push, before) for push in asked}
    unwatched = {commit: stopped for commit, stopped in ruled.items() if stopped}
    filled = tuple(told.get(push, push) for push in pushes)
    return Looked(before.decided, filled, frozenset(older), unwatched)


def _before(session: Session, pushes: Sequence[PushSeen]) -> _Before:
    """Only of pushes that the rules about refs let through: for the others no process is started."""
    app = session.get_one(App, pushes[0].app_id)
    config = app.config
    if stopped_by_auto_deploy(config):
        return _Before(config, app.decided_commit, {})
    through = [push for push in pushes if stopped_by_ref(config, push.ref, push.commit) is None]
    in_order = {push for push in through if ref_history(session, app.id, push.ref).continues(push.previous)}
    compared = {push: _compared(session, app, push) for push in through}
    return _Before(config, app.decided_commit, compared, in_order)


def _compared(session: Session, app: App, push: PushSeen) -> Compared:
    if not app.config.watch_paths:
        return Compared(None, covered=False)
    return compared_with(session, app, push.ref, push.previous)


async def _is_older(context: Context, push: PushSeen, decided: str | None) -> bool:
    if decided is None or push.commit == decided or push.forced or push.trigger in ASKED_ITSELF:
        return False
    return await context.git.is_ancestor(context.layout.repository(push.app_id), push.commit, decided)


async def _with_message(context: Context, push: PushSeen) -> PushSeen:
    if push.head_message:
        return push
    try:
        facts = await context.git.commit_facts(context.layout.repository(push.app_id), push.commit)
    except SourceRefused:
        return push  # not in the mirror yet
    return replace(push, head_message=facts.message)


async def _stopped_by_paths(context: Context, push: PushSeen, before: _Before) -> Stopped | None:
    watch = before.config.watch_paths
    paths = await _paths(context, push, before.compared[push]) if watch else None
    if paths is None or len(paths) * len(watch) < _FEW:
        return stopped_by_paths(watch, paths)
    return await asyncio.to_thread(stopped_by_paths, watch, paths)


async def _paths(context: Context, push: PushSeen, compared: Compared) -> tuple[str, ...] | None:
    if compared.covered and push.paths is not None:
        return push.paths
    if compared.base is None:
        return None
    try:
        return await changed_paths(context.layout.repository(push.app_id), compared.base, push.commit)
    except SlipyardError:  # too many, or too slow: whoever does not know deploys
        return None
