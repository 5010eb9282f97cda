"""Caddy's admin API in memory: keeps what it is given, counts what a test says, fails when told to."""

import json
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from slipyard.domain.errors import SlipyardError


class FakeCaddy:
    """A `CaddyAdmin`. `requests` are the requests in flight by address; `loads` how often its servers restarted."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.loads = 0
        self._config = "{}"  # as text, like the real one: its callers share nothing with it
        self._failures: deque[SlipyardError] = deque()

    def fail_next(self, error: SlipyardError, times: int = 1) -> None:
        self._failures.extend([error] * times)

    async def config(self) -> dict[str, Any]:
        self._fail()
        config: dict[str, Any] = json.loads(self._config)
        return config

    async def load(self, config: Mapping[str, Any]) -> None:
        self._fail()
        self._config = json.dumps(config)
        self.loads += 1

    async def in_flight(self) -> dict[str, int]:
        self._fail()
        return dict(self.requests)

    def _fail(self) -> None:
        if self._failures:
            raise self._failures.popleft()
