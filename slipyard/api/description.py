"""The OpenAPI description: FastAPI's, with the scope of each call and the shape of every error."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts

from slipyard.api.access.requirement import requirement_in
from slipyard.domain.schemas.outgoing import ErrorAnswer

_INTRODUCTION = (
    "Apps from git, uploads or images, built and deployed without dropping a request. Everything under /v1 is also under"
    " /api/v1. Errors are always `{error: {code, message, status, details, request_id}}`."
)
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token: sly_..."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same token"},
}
_ERROR = "#/components/schemas/ErrorAnswer"


def describe(app: FastAPI) -> None:
    """Made once, when somebody asks."""
    found: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not found:
            found.update(_description(app))
        return found

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way


def _description(app: FastAPI) -> dict[str, Any]:
    description = get_openapi(
        title="Slipyard", version="1", summary="Build and deploy on your own machines", description=_INTRODUCTION,
        routes=app.routes,
    )  # fmt: skip
    components = description.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    schema = ErrorAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    components.setdefault("schemas", {}).update(schema.pop("$defs", {}) | {"ErrorAnswer": schema})
    for context in iter_route_contexts(app.routes):
        calls = description["paths"].get(context.path_format, {})
        for method in {name.lower() for name in context.methods or ()} & set(calls):
            _complete(calls[method], context)
    return description


def _complete(call: dict[str, Any], context: RouteContext) -> None:
    scope = requirement_in(context.dependencies, context.path or "?").scope
    if scope != "public":
        call["x-scope"] = scope
        call["security"] = [{name: []} for name in _SCHEMES]
    error = {"application/json": {"schema": {"$ref": _ERROR}}}
    call["responses"]["4XX"] = {"description": "Refused; the message says what to do next", "content": error}
    call["responses"].pop("422", None)
