"""Loki's push API (Grafana Loki HTTP API, `POST /loki/api/v1/push`): lines by stream, a stream for each set of labels."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from slipyard.clients.log_sinks.http_sink import post_json
from slipyard.clients.outside_http import OutsideHttp
from slipyard.domain.drain import DrainLine
from slipyard.domain.network_rules import Network

PUSH = "/loki/api/v1/push"
_SECONDS = 10.0
_MICROSECONDS, _NANOSECONDS = 1_000_000, 1000


class LokiSink:
    """`url` is the server's; its path is kept where it is the push API's own."""

    def __init__(self, url: str, headers: Mapping[str, str], allowed_networks: Sequence[Network]) -> None:
        self._url = url if url.endswith(PUSH) else url.rstrip("/") + PUSH
        self._headers = headers
        self._http = OutsideHttp(allowed_networks, seconds=_SECONDS, most_bytes=65536)

    async def send(self, lines: Sequence[DrainLine]) -> None:
        await post_json(self._http, self._url, self._headers, push_body(lines))

    async def close(self) -> None:
        """Nothing stays open between two sends."""


def push_body(lines: Sequence[DrainLine]) -> dict[str, object]:
    """The instance is a label: there are few at a time, and Loki wants the lines of a stream in the order of time."""
    streams: defaultdict[tuple[str, str, str, str], list[list[str]]] = defaultdict(list)
    for line in lines:
        streams[line.app, line.service, line.instance_id, line.stream].append([_nanoseconds(line), line.message])
    return {
        "streams": [
            {"stream": {"app": app, "service": service, "instance": instance, "stream": stream}, "values": values}
            for (app, service, instance, stream), values in streams.items()
        ]
    }


def _nanoseconds(line: DrainLine) -> str:
    """In whole numbers: a float has no room for the microseconds of today."""
    return str((int(line.at.timestamp()) * _MICROSECONDS + line.at.microsecond) * _NANOSECONDS)
