"""What a request with an Idempotency-Key brought into being, noted beside its key in the very same transaction.

So a process that dies between that commit and its answer leaves behind what the answer was about.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import event, update
from sqlalchemy.orm import Session, UOWTransaction
from sqlmodel import col

from slipyard.store.tables import (
    App,
    Build,
    Connection,
    Deployment,
    Domain,
    GitCredentialRow,
    Hook,
    KeptAnswer,
    Notifier,
    Preview,
    Token,
)

Key = tuple[str, str, str]  # principal, route, key
Effects = dict[str, str]  # kind of row -> id

_KINDS = (App, Build, Connection, Deployment, Domain, GitCredentialRow, Hook, Preview, Token, Notifier)
_answering: ContextVar[Key | None] = ContextVar("slipyard_answering", default=None)


@contextmanager
def noting_effects(key: Key) -> Iterator[None]:
    """Also in the threads that the request's transactions run in: they inherit its context."""
    before = _answering.set(key)
    try:
        yield
    finally:
        _answering.reset(before)


def effects_in(row: KeptAnswer) -> Effects:
    """Empty where nothing came into being."""
    found: Effects = json.loads(row.body) if row.status is None and row.body else {}
    return found


def _note(session: Session, _: UOWTransaction) -> None:
    key = _answering.get()
    made = [row for row in session.new if isinstance(row, _KINDS)]
    if key is None or not made:
        return
    effects: Effects = session.info.setdefault("slipyard_effects", {})
    for row in made:
        effects[type(row).__name__.lower()] = row.id
    principal, route, name = key
    session.connection().execute(
        update(KeptAnswer)
        .where(col(KeptAnswer.principal) == principal, col(KeptAnswer.route) == route, col(KeptAnswer.key) == name)
        .where(col(KeptAnswer.status).is_(None))
        .values(body=json.dumps(effects))
    )


event.listen(Session, "after_flush", _note)
