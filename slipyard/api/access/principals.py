"""From a request to who asks: a token in one of three headers, or the cookie of a browser that was let in."""

import asyncio
import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fastapi import Request

from slipyard.api.access.browser_session import COOKIE, token_in_cookie
from slipyard.domain.actor import Actor
from slipyard.domain.errors import Unauthorized
from slipyard.pipeline.context import Context
from slipyard.store.tables import Token
from slipyard.store.tokens import digest_of, find_token, is_usable, note_use

_REMEMBERED_SECONDS = 2.0
_MOST_REMEMBERED = 1024
_NOTE_USE_EVERY = timedelta(minutes=1)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass
class Principals:
    """Remembers a token for two seconds, so that a burst of requests costs one query. `forget` after a revocation."""

    context: Context
    _remembered: dict[str, tuple[float, Token]] = field(default_factory=dict)
    _background: set[asyncio.Task[None]] = field(default_factory=set)

    async def of(self, request: Request) -> Actor:
        """`Unauthorized` where there is no token, or none that is good."""
        secret = secret_in(request)
        if secret is not None:
            return actor_for(await self._token(secret))
        if request.method in SAFE_METHODS and COOKIE in request.cookies:
            return actor_for(await self._visitor(request.cookies[COOKIE]))
        raise Unauthorized("No token was sent. Send `Authorization: Bearer sly_...`; `slipyard login` stores one.")

    def forget(self) -> None:
        self._remembered.clear()

    async def _token(self, secret: str) -> Token:
        digest, clock = digest_of(secret), self.context.clock
        until, token = self._remembered.get(digest, (0.0, None))
        if token is None or until < clock.monotonic():
            token = await self.context.database.reading(lambda session: find_token(session, secret, clock.now()))
        if token is None or not is_usable(token, clock.now()):
            raise Unauthorized("This token is unknown, expired or revoked. Make another with `slipyard tokens create`.")
        self._remember(digest, token)
        return token

    async def _visitor(self, cookie: str) -> Token:
        context = self.context
        token_id = token_in_cookie(context.cipher, cookie, context.clock.now())
        token = await context.database.reading(lambda session: session.get(Token, token_id)) if token_id else None
        if token is None or not is_usable(token, context.clock.now()):
            raise Unauthorized("This browser's session is over. Get a new link with `slipyard login-link`.")
        return token

    def _remember(self, digest: str, token: Token) -> None:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = (self.context.clock.monotonic() + _REMEMBERED_SECONDS, token)
        self._note(token, self.context.clock.now())

    def _note(self, token: Token, now: datetime) -> None:
        if token.last_used_at is not None and now - token.last_used_at < _NOTE_USE_EVERY:
            return
        token.last_used_at = now
        task = asyncio.create_task(self.context.database.writing(lambda session: note_use(session, token.id, now)))
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def actor_for(token: Token) -> Actor:
    return Actor(token.id, token.name, token.organization_id, frozenset(token.scopes), token.app_id)


def secret_in(request: Request) -> str | None:
    """From `Authorization: Bearer`, the password of HTTP Basic (git), or `X-API-Key`."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip()
        case "basic":
            return _password(value.strip())
    return request.headers.get("x-api-key")


def _password(encoded: str) -> str:
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthorized(
            "The Authorization header is not valid HTTP Basic; send the token as the password."
        ) from error
    return decoded.partition(":")[2]
