"""What happens to containers, as the engine reports it."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from slipyard.clients.container_engine import EngineEvent
from slipyard.clients.docker_engine.connection import Connection, StreamRequest
from slipyard.clients.docker_engine.frames import json_lines
from slipyard.clients.docker_engine.labels import label_filter

ACTIONS = ("start", "die", "oom", "pause", "unpause", "update", "rename", "kill", "destroy")


class Events:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def events(self, labels: Mapping[str, str]) -> AsyncGenerator[EngineEvent, None]:
        filters = {"type": ["container"], "event": list(ACTIONS), "label": label_filter(labels)}
        request = StreamRequest("report events", "GET", "/events", {"filters": json.dumps(filters)})
        async with aclosing(self._connection.stream(request, json_lines)) as reported:
            async for event in reported:
                labels = event["Actor"]["Attributes"]
                code = labels.get("exitCode") if event["Action"] == "die" else None
                yield EngineEvent(event["Action"], event["Actor"]["ID"], labels, None if code is None else int(code))
