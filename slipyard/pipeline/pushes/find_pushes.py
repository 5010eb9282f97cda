"""A `git push` whose receiver was killed after the ref moved: by what it has noted, and beside that by the head of an app's
branch, which is not what was last decided of it, however it came there."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import Session, col, select

from slipyard.domain.push_rules import stopped_by_ref
from slipyard.pipeline.context import Context
from slipyard.pipeline.pushes.find_noted_pushes import NoteWatch, find_noted_pushes
from slipyard.pipeline.pushes.receive_push import OWN_REMOTE, PushSeen, receive_push
from slipyard.store.queries.pushes import decided_head
from slipyard.store.tables import App

_HEADS = "refs/heads/"


_APPS_IN_A_PASS = 100


@dataclass
class PushWatch:
    """By app: the head that stood undecided at the last look, and the one that was known to be decided; and the app after
    which the next pass goes on."""

    undecided: dict[str, str] = field(default_factory=dict)
    decided: dict[str, str] = field(default_factory=dict)
    last: str = ""
    notes: NoteWatch = field(default_factory=NoteWatch)


async def find_pushes(context: Context, watch: PushWatch) -> None:
    """One pass over the next hundred apps: what it costs does not grow with how many there are.

    Decides a head that stood undecided at the last look too: a push that is being received is left to its receiver.
    """
    await find_noted_pushes(context, watch.notes)
    before, watch.undecided = watch.undecided, {}
    apps = await context.database.reading(lambda session: _next_apps(session, watch, before))
    moved = await asyncio.to_thread(_moved, context, watch, apps)
    for app, head in await context.database.reading(lambda session: _undecided(session, watch, moved)):
        if before.get(app.id) == head:
            await receive_push(context, PushSeen(app.id, _ref(app), head, app.decided_commit, OWN_REMOTE, "git push"))
        else:
            watch.undecided[app.id] = head


def read_ref(repository: Path, ref: str) -> str | None:
    """From the files, without a process: this runs for every app again and again."""
    try:
        return (repository / ref).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return _packed(repository, ref)


def _packed(repository: Path, ref: str) -> str | None:
    try:
        lines = (repository / "packed-refs").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    return next((line.split(" ")[0] for line in lines if line.endswith(f" {ref}")), None)


def _next_apps(session: Session, watch: PushWatch, undecided: Collection[str]) -> Sequence[App]:
    """And those that wait for a second look."""
    living = select(App).where(col(App.deleting_at).is_(None))
    following = living.where(col(App.id) > watch.last).order_by(col(App.id)).limit(_APPS_IN_A_PASS)
    apps = {app.id: app for app in session.exec(following)}
    watch.last = max(apps) if len(apps) == _APPS_IN_A_PASS else ""
    waiting = living.where(col(App.id).in_(set(undecided) - set(apps)))
    apps |= {app.id: app for app in (session.exec(waiting) if undecided else ())}
    return [app for app in apps.values() if app.config.source.own_remote and app.config.auto_deploy]


def _moved(context: Context, watch: PushWatch, apps: Sequence[App]) -> list[tuple[App, str]]:
    """Apps with the head of their branch. Only for these the database is asked again."""
    heads = [(app, read_ref(context.layout.repository(app.id), _ref(app))) for app in apps]
    return [(app, head) for app, head in heads if head is not None and watch.decided.get(app.id) != head]


def _undecided(session: Session, watch: PushWatch, moved: Sequence[tuple[App, str]]) -> list[tuple[App, str]]:
    decided = {
        app.id: head for app, head in moved if head in {app.decided_commit, decided_head(session, app, _ref(app))}
    }
    watch.decided |= decided
    return [
        (app, head)
        for app, head in moved
        if app.id not in decided and stopped_by_ref(app.config, _ref(app), head) is None
    ]


def _ref(app: App) -> str:
    return f"{_HEADS}{app.config.source.branch}"
