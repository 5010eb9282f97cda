"""What is wrong with a body or a query, field by field; an unknown field names the nearest one there is."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from slipyard.api.answers.envelope import envelope
from slipyard.domain.errors import FieldProblem
from slipyard.domain.schemas.incoming import Incoming

_PLACES = {"body", "query", "path", "header", "cookie"}


def validation_answer(request: Request, error: RequestValidationError) -> JSONResponse:
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return envelope(request, 400, "bad_request", _not_json(problems[0]))
    if _is_another_media_type(request, problems):
        sentence = "The body is not JSON; send it with Content-Type: application/json."
        return envelope(request, 415, "unsupported_media_type", sentence)
    model = _body_model(request)
    details = [FieldProblem(_name(problem["loc"]), _sentence(problem, model)) for problem in problems]
    first = details[0]
    message = f"{first.field}: {first.message}" if first.field else first.message
    more = f" ({len(details) - 1} more in details.)" if len(details) > 1 else ""
    return envelope(request, 422, "validation_error", f"{message}{more}", details)


def _not_json(problem: Mapping[str, Any]) -> str:
    where = problem["loc"][-1] if problem.get("loc") else 0
    reason = problem.get("ctx", {}).get("error", "it cannot be read")
    return f"The body is not valid JSON at character {where}: {reason}. Correct it and send it again."


def _is_another_media_type(request: Request, problems: Sequence[Mapping[str, Any]]) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    whole_body = any(problem["loc"] == ("body",) and isinstance(problem.get("input"), bytes) for problem in problems)
    return whole_body and not (kind == "application/json" or kind.endswith("+json"))


def _name(location: Iterable[Any]) -> str:
    parts = [str(part) for part in location]
    return ".".join(parts[1:] if parts and parts[0] in _PLACES else parts)


def _sentence(problem: Mapping[str, Any], model: type[BaseModel] | None) -> str:
    if problem["type"] == "extra_forbidden":
        return _unknown(problem["loc"], model)
    if problem["type"] == "missing":
        return "is required"
    return str(problem["msg"]).removeprefix("Value error, ")


def _unknown(location: Sequence[Any], model: type[BaseModel] | None) -> str:
    known = _names_at(location[1:-1], model)
    nearest = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    if nearest:
        return f"there is no such field; did you mean {nearest[0]!r}?"
    return f"there is no such field; the fields are: {', '.join(sorted(known))}" if known else "there is no such field"


def _names_at(path: Sequence[Any], model: type[BaseModel] | None) -> list[str]:
    for part in path:
        field = model.model_fields.get(str(part)) if model else None
        model = _model_in(field.annotation) if field else None
    if model is None:
        return []
    others = list(model.other_names) if issubclass(model, Incoming) else []
    return [*model.model_fields, *others]


def _body_model(request: Request) -> type[BaseModel] | None:
    field = getattr(request.scope.get("route"), "body_field", None)
    return _model_in(field.field_info.annotation) if field else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
