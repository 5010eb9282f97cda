"""The supervisor's own lines, in the shape that `journal.py` gives all others: without structlog, which costs 6 MiB."""

import json
from datetime import UTC, datetime

from slipyard.cli.up.log_sink import LogSink


class EventLog:
    def __init__(self, sink: LogSink) -> None:
        self._sink = sink

    def info(self, event: str, **fields: object) -> None:
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write("warning", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        line = {"part": "supervisor", **fields, "event": event, "level": level, "timestamp": now}
        self._sink.write(json.dumps(line, default=str).encode() + b"\n")
