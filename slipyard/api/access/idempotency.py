"""`Idempotency-Key`: the same request, sent again, has one effect and one answer, for 24 hours."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request, Response
from sqlmodel import Session

from slipyard.api.access.effects import Effects, effects_in, noting_effects
from slipyard.domain.errors import Conflict, IdempotencyMismatch, UserError
from slipyard.pipeline.context import Context
from slipyard.store.tables import KeptAnswer

KEPT_FOR = timedelta(hours=24)
_LONGEST_KEY = 255
Recover = Callable[[Context, Effects], Coroutine[Any, Any, Response]]
_under_way: set[tuple[str, str, str]] = set()  # of this process: what a process before us left open is answered anew


@dataclass(frozen=True)
class Once:
    """A key, bound to who uses it, for what, and with which body."""

    principal: str
    route: str
    key: str
    body_digest: str

    @property
    def primary_key(self) -> tuple[str, str, str]:
        return self.principal, self.route, self.key


async def answer_once(
    request: Request, body: bytes, answer: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    """`IdempotencyMismatch` for another body under the same key, `Conflict` while the first is being answered."""
    once = await _once(request, body)
    if once is None:
        return await answer(request)
    if once.primary_key in _under_way:
        raise Conflict(
            "The first request with this Idempotency-Key is still being answered. Send it again in a moment."
        )
    _under_way.add(once.primary_key)  # before anything is awaited: of two at once, one is the first
    try:
        return await _answered(request, once, answer)
    finally:
        _under_way.discard(once.primary_key)


async def _answered(
    request: Request, once: Once, answer: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    context: Context = request.app.state.context
    kept = await context.database.writing(lambda session: _reserve(session, once, context.clock.now()))
    if kept is not None:
        return await _again(request, context, kept)
    try:
        with noting_effects(once.primary_key):
            response = await answer(request)
        await _keep(context, once, response, request)
    except BaseException:
        await asyncio.shield(context.database.writing(lambda session: _drop(session, once)))
        raise
    return response


async def _again(request: Request, context: Context, kept: KeptAnswer) -> Response:
    if kept.status is not None:
        return Response(kept.body, kept.status, {"Idempotency-Replayed": "true"}, "application/json")
    recover: Recover = request.app.state.recover_answer
    return await recover(context, effects_in(kept))


def mark_once_shown(request: Request, *fields: str) -> None:
    """A repeated request gets null in these fields of the answer."""
    request.scope["slipyard.once_shown"] = fields


async def _once(request: Request, body: bytes) -> Once | None:
    key = request.headers.get("idempotency-key")
    actor = request.scope.get("slipyard.actor")
    if key is None or actor is None or request.method != "POST":
        return None
    if not 1 <= len(key) <= _LONGEST_KEY or not key.isprintable():
        raise UserError(f"Idempotency-Key has 1 to {_LONGEST_KEY} printable characters; a random UUID is a good one.")
    path = request.url.path.removeprefix("/api")
    digest = await asyncio.to_thread(lambda: hashlib.sha256(body).hexdigest())
    return Once(actor.principal, f"{request.method} {path}?{request.url.query}", key, digest)


def _reserve(session: Session, once: Once, now: datetime) -> KeptAnswer | None:
    """None where this request is to be answered; else the answer of the first one."""
    row = session.get(KeptAnswer, once.primary_key, with_for_update=True)
    if row is not None and row.created_at < now - KEPT_FOR:
        session.delete(row)
        session.flush()
        row = None
    if row is None:
        principal, route, key = once.primary_key
        session.add(KeptAnswer(principal=principal, route=route, key=key, body_digest=once.body_digest, created_at=now))
        return None
    if row.body_digest != once.body_digest:
        raise IdempotencyMismatch("This Idempotency-Key was used with another body. Use a new key for a new request.")
    return None if row.status is None and not effects_in(row) else row


async def _keep(context: Context, once: Once, response: Response, request: Request) -> None:
    body = getattr(response, "body", None)
    if body is None or response.status_code >= 400:  # noqa: PLR2004 - refused: nothing was done
        await context.database.writing(lambda session: _drop(session, once))
        return
    text = _without(bytes(body).decode(), request.scope.get("slipyard.once_shown", ()))
    await context.database.writing(lambda session: _write(session, once, response.status_code, text))


def _without(body: str, fields: tuple[str, ...]) -> str:
    return json.dumps(json.loads(body) | dict.fromkeys(fields)) if fields else body


def _write(session: Session, once: Once, status: int, body: str) -> None:
    row = session.get_one(KeptAnswer, once.primary_key)
    row.status, row.body = status, body
    session.add(row)


def _drop(session: Session, once: Once) -> None:
    """The key is free again, unless something came into being before it went wrong: then that is the answer."""
    row = session.get(KeptAnswer, once.primary_key)
    if row is not None and not effects_in(row):
        session.delete(row)
