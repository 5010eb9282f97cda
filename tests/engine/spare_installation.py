"""An installation that tests break: used again once it is whole again, as it promises to be, and replaced where it is not."""

import secrets
from pathlib import Path

import httpx

from slipyard.cli.up.identity import Identity
from slipyard.cli.up.service import SERVICE_NAMES, running_service
from slipyard.domain.layout import Layout
from tests.engine.installation import Installation, purge_installation, start_installation
from tests.engine.waiting import wait_until

RECOVERY_SECONDS = 15.0


class SpareInstallation:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._current: Installation | None = None

    def whole(self) -> Installation:
        """The one of the test before, or a new one."""
        if self._current is not None and not _becomes_whole(self._current):
            self.purge()
        if self._current is None:
            self._current = start_installation(self._directory / secrets.token_hex(3))
        return self._current

    def stopped(self) -> Installation:
        """The one of the test before, or a new one, with nothing of it running."""
        current = self._current or self.whole()
        current.slipyard("down", "--all")
        return current

    def purge(self) -> None:
        if self._current is not None:
            purge_installation(self._current)
            self._current = None


def _becomes_whole(installation: Installation) -> bool:
    supervisor = Identity.read(installation.home / "run" / "supervisor.pid")
    if supervisor is None or not supervisor.is_running():
        installation.slipyard("up", "--detach", ok=False)
    try:
        return wait_until(lambda: _is_whole(installation), RECOVERY_SECONDS)
    except AssertionError:
        return False


def _is_whole(installation: Installation) -> bool:
    try:
        ready = httpx.get(f"http://127.0.0.1:{installation.port}/readyz").is_success
    except httpx.TransportError:
        return False
    return ready and all(running_service(Layout(installation.home), name) for name in SERVICE_NAMES)
