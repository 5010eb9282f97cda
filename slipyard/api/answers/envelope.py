"""Every error in one shape: code, message, status, details."""

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from slipyard.domain.errors import FieldProblem, SlipyardError, Unauthorized


def request_id_of(request: Request) -> str | None:
    found = request.scope.get("slipyard.request_id")
    return str(found) if found else None


def envelope(
    request: Request,
    status: int,
    code: str,
    message: str,
    details: Sequence[FieldProblem] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    problem = {
        "code": code,
        "message": message,
        "status": status,
        "details": [{"field": detail.field, "message": detail.message} for detail in details],
        "request_id": request_id_of(request),
    }
    return JSONResponse({"error": problem}, status, headers)


def error_answer(request: Request, error: SlipyardError) -> Response:
    headers = {"Retry-After": "1"} if error.status in {429, 503} else {}
    for_git = request.url.path.startswith("/git/")
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = (
            'Basic realm="slipyard", charset="UTF-8"' if for_git else 'Bearer realm="slipyard"'
        )
    if for_git:  # a client of git prints text, and only text
        return PlainTextResponse(f"{error.message}\n", error.status, headers)
    return envelope(request, error.status, error.code, error.message, error.details, headers)
