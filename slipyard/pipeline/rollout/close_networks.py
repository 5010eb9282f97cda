"""Apps reach the internet and their own instances, and nothing else: kept so against whoever flushes the rules."""

from collections.abc import Awaitable, Callable

import structlog

from slipyard.domain.errors import Unavailable

Close = Callable[[], Awaitable[None]]
"""Puts the rules of `deployer/firewall.py` in force; `Unavailable` where this machine cannot have them."""

_log = structlog.get_logger()


class NetworkWatch:
    """Says once that the rules cannot be had here, and again only after they could: `slipyard doctor` has the details."""

    def __init__(self) -> None:
        self._said = ""

    async def close(self, close: Close) -> None:
        try:
            await close()
        except Unavailable as fault:
            if fault.message != self._said:
                _log.warning("networks_open", reason=fault.message)
            self._said = fault.message
        else:
            self._said = ""
