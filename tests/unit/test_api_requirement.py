"""A route that declares no scope keeps the program from starting."""

import pytest
from fastapi import APIRouter, FastAPI

from slipyard.api.access.guard import GuardedRoute, check_every_route
from slipyard.api.access.requirement import Requirement, requires
from slipyard.domain.actor import Actor
from slipyard.domain.errors import InsufficientScope


def actor(*scopes: str) -> Actor:
    return Actor("tok_1", "ci", "org_1", frozenset(scopes))


async def nothing() -> None: ...


def test_a_guarded_route_without_a_scope_cannot_even_be_written() -> None:
    router = APIRouter(route_class=GuardedRoute)

    with pytest.raises(RuntimeError, match="declares no scope"):
        router.add_api_route("/open", nothing)


def test_an_unguarded_route_is_found_at_start() -> None:
    inner = APIRouter()
    inner.add_api_route("/open", nothing)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(inner, prefix="/v1")

    with pytest.raises(RuntimeError, match="/v1/open"):
        check_every_route(app)


def test_a_scope_that_is_missing_is_named() -> None:
    with pytest.raises(InsufficientScope, match="apps:write"):
        Requirement("apps:write").check(actor("apps:read"))


def test_an_administrator_may_everything() -> None:
    Requirement("apps:write").check(actor("admin"))


def test_a_route_that_declares_its_scope_starts() -> None:
    router = APIRouter(route_class=GuardedRoute, dependencies=[requires("apps:read")])
    router.add_api_route("/apps", nothing)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)

    check_every_route(app)
