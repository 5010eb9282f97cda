"""Server-sent events, read line by line, and taken up again after a broken connection.

Written here because httpx has none: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from slipyard.cli.client import Client
from slipyard.cli.failure import Unreachable

EVENT_STREAM = "text/event-stream"
_RETRIES = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


@dataclass(frozen=True)
class Event:
    kind: str
    data: str
    id: str | None

    def json(self) -> dict[str, Any]:
        """Empty where the data is no JSON object."""
        try:
            value = json.loads(self.data)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


def parse_events(lines: Iterable[str]) -> Iterator[Event]:
    """Comments are skipped; an event that its blank line never ended is dropped, as the standard says."""
    kind, identity = "message", None
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                yield Event(kind, "\n".join(data), identity)
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            identity = value


def follow(client: Client, path: str, last: tuple[str, ...] = ("done",), **query: Any) -> Iterator[Event]:
    """Until an event of `last`. A connection that breaks is opened again where it was, a few times."""
    resume: dict[str, str] = {}
    failures, pause = 0, _FIRST_PAUSE
    while True:
        try:
            with client.stream(path, EVENT_STREAM, resume, **query) as answer:
                for event in parse_events(answer.iter_lines()):
                    failures, pause = 0, _FIRST_PAUSE
                    if event.id is not None:
                        resume = {"Last-Event-ID": event.id}
                    yield event
                    if event.kind in last:
                        return
            if not last:
                return
            failures += 1
        except Unreachable:
            failures += 1
            if failures > _RETRIES:
                raise
        if failures > _RETRIES:
            raise Unreachable(f"{client.url} ends the stream again and again before it is over. Look at its log.")
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
