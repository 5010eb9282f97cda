"""Reading JSON that somebody else wrote: every surprise is the sender's fault, and none is an exception of ours."""

import json
from typing import Any

from slipyard.domain.errors import UserError

Payload = dict[str, Any]
_LONGEST_TEXT = 10_000


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


def text_at(payload: Payload, *path: str) -> str:
    """Empty where it is missing or null. Cut at 10,000 characters; what no database stores is replaced."""
    value: Any = payload
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UserError(f"{'.'.join(path)} in this delivery is not a text. Check what sends it.")
    return clean(value[:_LONGEST_TEXT])


def flag_at(payload: Payload, name: str) -> bool:
    return payload.get(name) is True


def clean(text: str) -> str:
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")
