"""The class of every route: who asks, whether they may, how large the body is, and the same request only once."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import Message

from slipyard.api.access.idempotency import answer_once
from slipyard.api.access.principals import SAFE_METHODS, Principals
from slipyard.api.access.requirement import Requirement, requirement_in
from slipyard.domain.errors import InsufficientScope
from slipyard.webhooks.raw_body import read_capped

MAXIMUM_JSON_BYTES = 4 * 1024 * 1024
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    def get_route_handler(self) -> Handler:
        requirement = requirement_in(self.dependencies, self.path)
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            await _admit(request, requirement)
            if request.method in SAFE_METHODS:
                return await answer(request)
            if requirement.streams:  # compared by the key alone: what was sent is never held whole
                return await answer_once(request, b"", answer)
            body = await read_capped(request, MAXIMUM_JSON_BYTES)
            return await answer_once(_with_body(request, body), body, answer)

        return guarded


async def _admit(request: Request, requirement: Requirement) -> None:
    context = request.app.state.context
    if requirement.scope != "public":
        principals: Principals = request.app.state.principals
        actor = await principals.of(request)
        request.scope["slipyard.actor"] = actor
        requirement.check(actor)
    if context.settings.read_only and requirement.changes and request.method not in SAFE_METHODS:
        raise InsufficientScope("This installation is read-only (SLIPYARD_READ_ONLY); changes are refused for now.")


def _with_body(request: Request, body: bytes) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)


def check_every_route(app: FastAPI) -> None:
    """Raises at start where a route could be reached without a declared scope."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        requirement_in(route.dependencies if isinstance(route, GuardedRoute) else [], context.path or "?")
