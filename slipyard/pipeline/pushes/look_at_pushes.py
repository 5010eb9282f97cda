"""What the mirror of an app knows about pushes, before they are decided. Nobody waits for a host, but for one case: a list of
files that would stop a push, and may lack some, is compared with the repository itself.
"""

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlmodel import Session

from slipyard.clients.git_diff import changed_paths
from slipyard.clients.git_objects import may_hold
from slipyard.domain.app import AppConfig
from slipyard.domain.errors import SlipyardError, SourceRefused
from slipyard.domain.layout import Layout
from slipyard.domain.push_rules import Stopped, stopped_by_auto_deploy, stopped_by_paths, stopped_by_ref
from slipyard.domain.ref_history import RefHistory
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.push_seen import ASKED_ITSELF, PushSeen
from slipyard.pipeline.pushes.watch_paths import watching_config
from slipyard.pipeline.sources.fetch_polled import fetch_polled
from slipyard.store.queries.pushes import Compared, compared_with, ref_history
from slipyard.store.tables import App

_FEW = 1000  # comparisons of a path with a pattern that are made on the event loop


@dataclass(frozen=True)
class Looked:
    """Pushes with their `head_message`, as they were seen when `decided` was the commit of the app decided last.

    `older`: contained in `decided`, by ancestry. `unwatched`: what the rule about paths says, by commit. `histories`: of
    refs, where they were read in the transaction that decides.
    """

    decided: str | None
    pushes: tuple[PushSeen, ...]
    older: frozenset[str] = frozenset()
    unwatched: Mapping[str, Stopped] = field(default_factory=dict)
    histories: Mapping[str, RefHistory] = field(default_factory=dict)


@dataclass(frozen=True)
class _Before:
    config: AppConfig
    decided: str | None
    compared: dict[PushSeen, Compared]
    in_order: AbstractSet[PushSeen] = frozenset()  # they begin where the ref is known to stand
    histories: Mapping[str, RefHistory] = field(default_factory=dict)


async def look_at_pushes(context: Context, pushes: Sequence[PushSeen]) -> Looked:
    before = await context.database.reading(lambda session: _before(session, _app_of(session, pushes), pushes))
    asked = [push for push in pushes if push in before.compared]
    doubtful = [push for push in asked if push not in before.in_order]
    older = {push.commit for push in doubtful if await _is_older(context, push, before.decided)}
    told = {push: await _with_message(context, push) for push in asked}
    ruled = {push.commit: await _stopped_by_paths(context, push, before) for push in asked}
    unwatched = {commit: stopped for commit, stopped in ruled.items() if stopped}
    filled = tuple(told.get(push, push) for push in pushes)
    return Looked(before.decided, filled, frozenset(older), unwatched)


def look_without_git(session: Session, layout: Layout, app: App, pushes: Sequence[PushSeen]) -> Looked | None:
    """The same in the caller's transaction, as nearly always it needs no process. None where one has to be asked."""
    before = _before(session, app, pushes)
    mirror = layout.repository(app.id)
    if any(_asks_git(mirror, push, before) for push in before.compared):
        return None
    watch = before.config.watch_paths
    ruled = {push.commit: stopped_by_paths(watch, _said(push, at)) for push, at in before.compared.items()}
    unwatched = {commit: stopped for commit, stopped in ruled.items() if stopped}
    return Looked(before.decided, tuple(pushes), frozenset(), unwatched, before.histories)


def _asks_git(mirror: Path, push: PushSeen, before: _Before) -> bool:
    in_doubt = push not in before.in_order and _may_be_older(push, before.decided)
    if (in_doubt or not push.head_message) and may_hold(mirror, push.commit):
        return True
    watch, compared = before.config.watch_paths, before.compared[push]
    said = _said(push, compared)
    if said is not None:
        many = len(said) * len(watch) >= _FEW
        return many or (push.may_be_forced and stopped_by_paths(watch, said) is not None)
    return bool(watch) and compared.base is not None


def _said(push: PushSeen, compared: Compared) -> tuple[str, ...] | None:
    return push.paths if compared.covered else None


def _app_of(session: Session, pushes: Sequence[PushSeen]) -> App:
    return session.get_one(App, pushes[0].app_id)


def _before(session: Session, app: App, pushes: Sequence[PushSeen]) -> _Before:
    """Only of pushes that the rules about refs let through: for the others no process is started."""
    config = watching_config(session, app)
    if stopped_by_auto_deploy(config):
        return _Before(config, app.decided_commit, {})
    through = [push for push in pushes if stopped_by_ref(config, push.ref, push.commit) is None]
    histories = {ref: ref_history(session, app.id, ref) for ref in {push.ref for push in through}}
    in_order = {push for push in through if histories[push.ref].continues(push.previous)}
    compared = {push: _compared(session, app, push, config) for push in through}
    return _Before(config, app.decided_commit, compared, in_order, histories)


def _compared(session: Session, app: App, push: PushSeen, config: AppConfig) -> Compared:
    if not config.watch_paths:
        return Compared(None, covered=False)
    return compared_with(session, app, push.ref, push.previous)


async def _is_older(context: Context, push: PushSeen, decided: str | None) -> bool:
    if decided is None or not _may_be_older(push, decided):
        return False
    return await context.git.is_ancestor(context.layout.repository(push.app_id), push.commit, decided)


def _may_be_older(push: PushSeen, decided: str | None) -> bool:
    return decided not in {None, push.commit} and not push.forced and push.trigger not in ASKED_ITSELF


async def _with_message(context: Context, push: PushSeen) -> PushSeen:
    if push.head_message:
        return push
    try:
        facts = await context.git.commit_facts(context.layout.repository(push.app_id), push.commit)
    except SourceRefused:
        return push  # not in the mirror yet
    return replace(push, head_message=facts.message)


async def _stopped_by_paths(context: Context, push: PushSeen, before: _Before) -> Stopped | None:
    watch, compared = before.config.watch_paths, before.compared[push]
    stopped = await _ruled(watch, await _paths(context, push, compared) if watch else None)
    if stopped is None or not _is_doubtful(push, compared):
        return stopped
    if not await asyncio.to_thread(may_hold, context.layout.repository(push.app_id), push.commit):
        await fetch_polled(context, push)
    return await _ruled(watch, await _difference(context, push, compared.base))


def _is_doubtful(push: PushSeen, compared: Compared) -> bool:
    return push.may_be_forced and _said(push, compared) is not None


async def _ruled(watch: Sequence[str], paths: tuple[str, ...] | None) -> Stopped | None:
    if paths is None or len(paths) * len(watch) < _FEW:
        return stopped_by_paths(watch, paths)
    return await asyncio.to_thread(stopped_by_paths, watch, paths)


async def _paths(context: Context, push: PushSeen, compared: Compared) -> tuple[str, ...] | None:
    said = _said(push, compared)
    return said if said is not None else await _difference(context, push, compared.base)


async def _difference(context: Context, push: PushSeen, base: str | None) -> tuple[str, ...] | None:
    if base is None:
        return None
    try:
        return await changed_paths(context.layout.repository(push.app_id), base, push.commit)
    except SlipyardError:  # too many, or too slow: whoever does not know deploys
        return None
