"""Reading JSON that somebody else wrote: every surprise is the sender's fault, and none is an exception of ours."""

import json
from typing import Any

from slipyard.domain.errors import UserError

Payload = dict[str, Any]
_LONGEST_TEXT = 10_000
_HIGHEST_NUMBER = 2**53  # what every JSON reader takes for a whole number (RFC 8259, 6)


def json_object(body: bytes) -> Payload:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UserError(
            "The body of this delivery is not valid JSON. Set the content type of the hook to JSON."
        ) from error
    if not isinstance(found, dict):
        raise UserError("The body of this delivery is not a JSON object, which every event of a provider is.")
    return found


def value_at(payload: Payload, *path: str) -> Any:
    """None where something on the way is missing or not an object."""
    value: Any = payload
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_at(payload: Payload, *path: str) -> str:
    """Empty where it is missing or null. Cut at 10,000 characters; what no database stores is replaced."""
    value = value_at(payload, *path)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UserError(f"`{'.'.join(path)}` in this delivery is not a text. Check what sends it.")
    return clean(value[:_LONGEST_TEXT])


def number_at(payload: Payload, *path: str) -> int:
    """A whole number above zero, as requests and builds are counted."""
    value = value_at(payload, *path)
    if type(value) is not int or not 0 < value < _HIGHEST_NUMBER:
        raise UserError(f"`{'.'.join(path)}` in this delivery is not a number above zero. Check what sends it.")
    return value


def objects_at(payload: Payload, *path: str) -> list[Payload]:
    """Empty where it is missing or null."""
    value = value_at(payload, *path)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UserError(f"`{'.'.join(path)}` in this delivery is not a list of objects. Check what sends it.")
    return value


def flag_at(payload: Payload, *path: str) -> bool:
    return value_at(payload, *path) is True


def clean(text: str) -> str:
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")
