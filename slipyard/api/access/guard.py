"""The class of every route: who asks, whether they may, how large the body is, and the same request only once."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import Message

from slipyard.api.access.idempotency import answer_once
from slipyard.api.access.principals import SAFE_METHODS, Principals
from slipyard.api.access.requirement import Requirement, requirement_in
from slipyard.domain.actor import Actor
from slipyard.domain.errors import InsufficientScope, NotFound
from slipyard.webhooks.raw_body import read_capped

MAXIMUM_JSON_BYTES = 4 * 1024 * 1024
_APP_IN_PATH = ("{app}", "{repository}")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    def get_route_handler(self) -> Handler:
        requirement = requirement_in(self.dependencies, self.path)
        reach = _Reach(requirement, names_app=any(name in self.path for name in _APP_IN_PATH))
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            await _admit(request, reach)
            if request.method in SAFE_METHODS:
                return await answer(request)
            if requirement.streams:  # compared by the key alone: what was sent is never held whole
                return await answer_once(request, b"", answer)
            body = await read_capped(request, MAXIMUM_JSON_BYTES)
            return await answer_once(_with_body(request, body), body, answer)

        return guarded


@dataclass(frozen=True)
class _Reach:
    """What a route asks, and whether whoever is bound to one app may call it at all."""

    requirement: Requirement
    names_app: bool

    def check(self, actor: Actor) -> None:
        """Which app a path names is judged where it is looked up, see dependencies.py."""
        if actor.app_id is not None and not (self.names_app or self.requirement.one_app):
            raise NotFound(
                f"There is nothing here for {actor.name!r}: this token is for one app only. Use another token."
            )
        self.requirement.check(actor)


async def _admit(request: Request, reach: _Reach) -> None:
    context, requirement = request.app.state.context, reach.requirement
    if requirement.scope != "public":
        principals: Principals = request.app.state.principals
        actor = await principals.of(request)
        request.scope["slipyard.actor"] = actor
        reach.check(actor)
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
