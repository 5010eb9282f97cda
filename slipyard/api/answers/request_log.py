"""Around every request: an id, the access log, and a 500 with that id where nothing else answered."""

import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipyard.api.answers.envelope import envelope
from slipyard.api.answers.shown_path import shown_path
from slipyard.domain.ids import new_id
from slipyard.webhooks.body import HANG_UP

_log = structlog.get_logger("slipyard.access")
_QUIET = {"/healthz", "/readyz"}


class RequestLog:
    """Plain ASGI: a stream passes through untouched. Query strings are not logged, because tickets travel in them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Watched(scope, send)
        try:
            await self._app(scope, receive, request.send)
        except Exception as error:  # noqa: BLE001 - the last resort: a 500 with its id
            _log.exception("request_broke", request_id=request.id, path=request.path, kind=type(error).__name__)
            if request.status is None:
                await _internal(scope, receive)(scope, receive, request.send)
        finally:
            request.log()


class _Watched:
    def __init__(self, scope: Scope, send: Send) -> None:
        self.id = new_id("req")
        self.status: int | None = None
        self.path = shown_path(scope["path"])
        self._scope, self._send, self._began = scope, send, time.monotonic()
        scope["slipyard.request_id"] = self.id

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            _add_headers(message, self.id)
            if self._scope.get(HANG_UP):
                MutableHeaders(scope=message)["Connection"] = "close"
        await self._send(message)

    def log(self) -> None:
        if self.path in _QUIET:
            return
        actor = self._scope.get("slipyard.actor")
        _log.info(
            "request",
            request_id=self.id,
            method=self._scope["method"],
            path=self.path,
            status=self.status,
            milliseconds=round((time.monotonic() - self._began) * 1000, 1),
            principal=actor.principal if actor else None,
        )


def _add_headers(message: MutableMapping[str, Any], request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-Id"] = request_id
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Cache-Control", "no-store")


def _internal(scope: Scope, receive: Receive) -> ASGIApp:
    request = Request(scope, receive)
    sentence = "Slipyard failed to answer this request. It is our fault: report it with the request id."
    return envelope(request, 500, "internal", sentence)
