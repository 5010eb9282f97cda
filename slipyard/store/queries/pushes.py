"""Pushes of an app: what was decided about each ref, and which came before which."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from slipyard.domain.push_rules import Rule
from slipyard.domain.ref_history import Move, RefHistory
from slipyard.store.tables import App, CheckSeen, Deployment, Push

DECIDED = ("accepted", "skipped", "held")
_HEADS = "refs/heads/"
_REMEMBERED = 200  # pushes of a ref that are looked through


@dataclass(frozen=True)
class Compared:
    """With which commit a push is compared to know its files. `covered`: its own list of files says all of it."""

    base: str | None
    covered: bool


def ref_history(session: Session, app_id: str, ref: str) -> RefHistory:
    query = select(Push.commit, Push.previous, Push.decision, Push.rule).where(*_of(app_id, ref))
    rows = session.exec(query.order_by(col(Push.id).desc()).limit(_REMEMBERED))
    return RefHistory([_move(*row) for row in rows])


def decided_head(session: Session, app: App, ref: str) -> str | None:
    """The commit of `ref` that was last turned into a build, skipped or held; None where that has to be done yet.

    A poll, or who looks at the branch's head for another reason, compares with this and not with `decided_commit`,
    which is of all branches and tags together.
    """
    return head_decided(app, ref, ref_history(session, app.id, ref)) if app.decided_commit is not None else None


def head_decided(app: App, ref: str, history: RefHistory) -> str | None:
    """As `decided_head`, of a history that was read already."""
    if app.decided_commit is None:
        return None
    return history.head or (app.decided_commit if ref == f"{_HEADS}{app.config.source.branch}" else None)


def newest_push(session: Session, app_id: str, ref: str) -> Push | None:
    query = select(Push).where(*_of(app_id, ref)).order_by(col(Push.id).desc())
    return session.exec(query.limit(1)).first()


def compared_with(session: Session, app: App, ref: str, previous: str | None) -> Compared:
    """A commit that was skipped because of its marker, or was never heard of, has files that no later push lists."""
    if session.exec(select(Deployment.id).where(Deployment.app_id == app.id).limit(1)).first() is None:
        return Compared(None, covered=False)
    rows = [row for row in _newest(session, app.id, ref) if row.rule not in {Rule.KNOWN, Rule.ORDER}]
    accepted = next((row.commit for row in rows if row.decision == "accepted"), None)
    head = decided_head(session, app, ref)
    if previous is None or previous != (head or previous):
        return Compared(accepted, covered=False)
    at = _before_unwatched(rows, previous)
    row = next((row for row in rows if row.commit == at), None)
    covered = at is not None and (row is None or row.decision == "accepted")
    return Compared(at if covered else accepted, covered)


def held_pushes(session: Session, app_id: str) -> list[Push]:
    """Oldest first; at most one, unless one message told of several."""
    query = select(Push).where(Push.app_id == app_id, Push.decision == "held").order_by(col(Push.id))
    return list(session.exec(query))


def check_seen(session: Session, app_id: str, commit: str, name: str | None) -> bool | None:
    """Whether it passed; None where its end was not heard of."""
    row = session.get(CheckSeen, (app_id, commit, name)) if name else None
    return row.passed if row else None


def _move(commit: str, previous: str | None, decision: str, rule: str | None) -> Move:
    passed_over = decision == "ignored" and rule not in {Rule.KNOWN, Rule.ORDER}
    return Move(commit, previous, decided=decision in DECIDED, passed_over=passed_over)


def _before_unwatched(rows: Sequence[Push], commit: str) -> str | None:
    """Back over pushes that changed nothing that is watched."""
    decided = {row.commit: row for row in reversed(rows) if row.decision in DECIDED}
    at: str | None = commit
    seen = set[str]()
    while at is not None and at in decided and decided[at].rule == Rule.WATCH_PATHS and at not in seen:
        seen.add(at)
        at = decided[at].previous
    return at


def _newest(session: Session, app_id: str, ref: str) -> list[Push]:
    query = select(Push).where(*_of(app_id, ref)).order_by(col(Push.id).desc())
    return list(session.exec(query.limit(_REMEMBERED)))


def _of(app_id: str, ref: str) -> tuple[bool, bool]:
    return Push.app_id == app_id, Push.ref == ref
