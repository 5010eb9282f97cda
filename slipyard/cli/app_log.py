"""What an app writes, followed over its redeployments: the stream of the API ends with the instances that it began with."""

import time
from collections.abc import Iterator
from typing import Any

from slipyard.cli.client import Client
from slipyard.cli.events import follow

_PAUSE_SECONDS = 1.0


def follow_app_log(client: Client, path: str, **query: Any) -> Iterator[dict[str, Any]]:
    """Entries {timestamp, message, stream, instance_id}, each once, until the caller stops."""
    newest: dict[str, str] = {}
    while True:
        before = dict(newest)
        for event in follow(client, path, last=(), **query):
            entry = event.json()
            instance, moment = str(entry.get("instance_id")), str(entry.get("timestamp"))
            if moment <= before.get(instance, ""):
                continue
            newest[instance] = max(moment, newest.get(instance, ""))
            yield entry
        if newest:
            query = {**query, "since": min(newest.values()), "lines": 2000}
        time.sleep(_PAUSE_SECONDS)
