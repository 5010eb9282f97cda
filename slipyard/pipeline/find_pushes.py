"""A `git push` whose receiver was killed after the ref moved: the branch's head is not what was last decided of it."""

import asyncio
from pathlib import Path

from sqlmodel import Session, col, select

from slipyard.domain.push_rules import stopped_by_ref
from slipyard.pipeline.context import Context
from slipyard.pipeline.receive_push import OWN_REMOTE, PushSeen, receive_push
from slipyard.store.queries.pushes import decided_head
from slipyard.store.tables import App

_HEADS = "refs/heads/"


async def find_pushes(context: Context, before: dict[str, str]) -> dict[str, str]:
    """Decides a head that stood undecided at the last pass too: a push that is being received is left to its receiver.

    Returns app -> undecided head.
    """
    undecided = {}
    for app in await context.database.reading(_own_remotes):
        ref = f"{_HEADS}{app.config.source.branch}"
        head = await asyncio.to_thread(read_ref, context.layout.repository(app.id), ref)
        if head is None or await _is_decided(context, app, ref, head):
            continue
        if before.get(app.id) == head:
            await receive_push(context, PushSeen(app.id, ref, head, app.decided_commit, OWN_REMOTE, "git push"))
        else:
            undecided[app.id] = head
    return undecided


async def _is_decided(context: Context, app: App, ref: str, head: str) -> bool:
    if head == app.decided_commit or stopped_by_ref(app.config, ref, head) is not None:
        return True
    return head == await context.database.reading(lambda session: decided_head(session, app, ref))


def read_ref(repository: Path, ref: str) -> str | None:
    """From the files, without a process: this runs for every app every few seconds."""
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


def _own_remotes(session: Session) -> list[App]:
    apps = session.exec(select(App).where(col(App.deleting_at).is_(None))).all()
    return [app for app in apps if app.config.source.own_remote and app.config.auto_deploy]
