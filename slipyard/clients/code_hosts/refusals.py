"""What the answers of a code host mean: whose mistake it is, and when to ask again."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from slipyard.clients.outside_http import OutsideAnswer
from slipyard.clients.refusal_wait import wait_in
from slipyard.domain.errors import AskedToWait, CodeHostRefused, SlipyardError, Unavailable

_MOST_WORDS = 300
_SPEAKING = ("message", "error", "errors", "error_description", "detail", "code", "field", "context")


def failure(name: str, asked: str, answer: OutsideAnswer, needs: str) -> SlipyardError:
    """`asked` is method and path; `needs` the right that the call takes."""
    said = words_in(answer.body)
    quoted = f" It says: {said}" if said else ""
    if is_limit(answer):
        wait = wait_in(answer.headers)
        return AskedToWait(f"{name} is asked too often. It is asked again in {wait:.0f} s.{quoted}", wait)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT:
        return Unavailable(f"{name} answered {answer.status} to {asked}. It is tried again.{quoted}")
    right = f" It takes {needs}." if needs else ""
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            what = f"{name} does not know this token, or it has expired. Make a new one and connect again."
        case HTTPStatus.FORBIDDEN:
            what = f"{name} refuses {asked} with this token.{right}"
        case HTTPStatus.NOT_FOUND:
            what = f"{name} has nothing at {asked}, or this token may not see it. Check the repository's name.{right}"
        case _:
            what = f"{name} does not accept {asked} ({answer.status}).{right}"
    return CodeHostRefused(f"{what}{quoted}")


def check_rights(found: Any, repository: str, name: str) -> None:
    """GitHub and Gitea say in a repository what the asking token may do with it."""
    rights = found.get("permissions") if isinstance(found, dict) else None
    if isinstance(rights, dict) and not rights.get("admin"):
        raise CodeHostRefused(
            f"This token sees {repository} at {name} and does not administer it, so that it can make neither webhook nor"
            " deploy key. Use the token of somebody who administers the repository."
        )


def is_limit(answer: OutsideAnswer) -> bool:
    """429, and the 403 with which GitHub answers too many requests, by its headers or its words."""
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    if answer.status != HTTPStatus.FORBIDDEN:
        return False
    headers = answer.headers
    spent = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return spent or "rate limit" in words_in(answer.body).lower()


def words_in(body: bytes) -> str:
    """The host's own sentence, from whichever of its fields it stands in; one line, cut."""
    try:
        given = json.loads(body)
    except ValueError:
        return ""
    text = "; ".join(dict.fromkeys(_texts(given, 0)))
    return " ".join(text.split())[:_MOST_WORDS]


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth > 3:  # noqa: PLR2004 - deeper than any host speaks
        return
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, depth + 1)
    elif isinstance(value, dict):
        # GitLab's validation errors are {"message": {"<field>": ["<what>"]}}: fields of any name.
        named = [value[name] for name in _SPEAKING if name in value]
        for item in named or [f"{key} {text}" for key, each in value.items() for text in _texts(each, depth + 1)]:
            yield from _texts(item, depth + 1)
