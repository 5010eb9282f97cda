"""Whatever goes wrong leaves as an envelope."""

from http import HTTPStatus
from typing import cast

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from slipyard.api.answers.envelope import envelope, error_answer
from slipyard.api.answers.shown_path import shown_path
from slipyard.api.answers.validation import validation_answer
from slipyard.domain.errors import SlipyardError

_log = structlog.get_logger()

_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}


def install_handlers(app: FastAPI) -> None:
    app.add_exception_handler(SlipyardError, _slipyard_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


async def _slipyard_error(request: Request, error: Exception) -> Response:
    fault = cast(SlipyardError, error)
    if fault.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error(
            "request_failed", path=shown_path(request.url.path), code=fault.code, reason=fault.message, exc_info=error
        )
    return error_answer(request, fault)


async def _validation_error(request: Request, error: Exception) -> Response:
    return validation_answer(request, cast(RequestValidationError, error))


async def _http_error(request: Request, error: Exception) -> Response:
    refused = cast(HTTPException, error)
    message = _SENTENCES.get(refused.status_code, _default)(request, refused)
    code = _CODES.get(refused.status_code, "bad_request")
    headers = dict(refused.headers) if refused.headers else None
    return envelope(request, refused.status_code, code, message, headers=headers)


def _not_found(request: Request, _: HTTPException) -> str:
    return f"There is nothing at {request.url.path}. GET /docs lists every call."


def _wrong_method(request: Request, refused: HTTPException) -> str:
    allowed = (refused.headers or {}).get("Allow", "another method")
    return f"{request.url.path} does not take {request.method}; it takes {allowed}."


def _too_large(request: Request, _: HTTPException) -> str:
    return f"The body is larger than {request.url.path} takes. Send less, or a directory by `slipyard deploy`."


def _default(_: Request, refused: HTTPException) -> str:
    return f"{refused.detail}. Correct the request and send it again."


_SENTENCES = {404: _not_found, 405: _wrong_method, 413: _too_large}
