"""Answers that are a JSON object a line."""

import json
from collections.abc import Iterator
from typing import Any

import httpx


def json_lines(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """Cut at newlines alone: text may hold other characters that Python takes for line ends."""
    rest = b""
    for piece in answer.iter_bytes():
        *whole, rest = (rest + piece).split(b"\n")
        yield from (json.loads(each) for each in whole if each)
