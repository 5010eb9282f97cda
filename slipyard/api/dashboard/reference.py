"""GET /docs: every call, from the same description as /openapi.json, without a script and without the internet."""

from html import escape
from typing import Any

from fastapi import APIRouter, Request, Response

from slipyard.api.access.guard import GuardedRoute
from slipyard.api.access.requirement import requires
from slipyard.api.dashboard.page import page

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)


@router.get("/docs", dependencies=[requires("public")])
async def docs(request: Request) -> Response:
    description = request.app.openapi()
    return page("The API of Slipyard", _intro() + _calls(description))


@router.get("/openapi.json", dependencies=[requires("public")])
async def openapi(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = request.app.openapi()
    return found


def _intro() -> str:
    return (
        "<p>Send <code>Authorization: Bearer sly_...</code>. Every field, example and error is in"
        ' <a href="/openapi.json">/openapi.json</a>; all calls are also under <code>/api/v1</code>.</p>'
    )


def _calls(description: dict[str, Any]) -> str:
    by_tag: dict[str, list[str]] = {}
    for path, methods in description["paths"].items():
        for method, call in methods.items():
            by_tag.setdefault((call.get("tags") or ["other"])[0], []).append(_row(method, path, call))
    return "".join(f"<h2>{escape(tag)}</h2><table>{''.join(rows)}</table>" for tag, rows in by_tag.items())


def _row(method: str, path: str, call: dict[str, Any]) -> str:
    text = call.get("description") or call.get("summary") or ""
    scope = call.get("x-scope", "")
    needs = f" <code>{escape(scope)}</code>" if scope else ""
    return f"<tr><td><code>{method.upper()} {escape(path)}</code></td><td>{escape(text)}{needs}</td></tr>"
