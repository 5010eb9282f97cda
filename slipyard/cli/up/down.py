"""`slipyard down`: Slipyard ends, apps go on being served."""

from collections.abc import Callable

from slipyard.cli.up.boot_unit import stop_boot_units
from slipyard.cli.up.hand_over import API_GRACE, WORKER_GRACE
from slipyard.cli.up.lock import running_supervisor
from slipyard.cli.up.service import SERVICE_NAMES, STOP_SECONDS, running_service, service_pid_file
from slipyard.cli.up.stop import stop
from slipyard.domain.layout import Layout

_SUPERVISOR_SECONDS = API_GRACE + WORKER_GRACE + 10
_SERVES_APPS = "caddy"


def down(layout: Layout, *, everything: bool, say: Callable[[str], None]) -> bool:
    """Ends the supervisor with its parts, then redis and registry; `everything` ends Caddy too, and with it the apps'
    front door. False where nothing ran."""
    supervisor = running_supervisor(layout)
    stop_boot_units(layout)
    stopped = supervisor is not None
    if supervisor is not None:
        stop(supervisor, within=_SUPERVISOR_SECONDS)
        say("slipyard stopped")
    for name in SERVICE_NAMES:
        if (everything or name != _SERVES_APPS) and _stop_service(layout, name):
            say(f"{name} stopped")
            stopped = True
    return stopped


def _stop_service(layout: Layout, name: str) -> bool:
    service = running_service(layout, name)
    if service is None:
        return False
    stopped = stop(service, within=STOP_SECONDS)
    service_pid_file(layout, name).unlink(missing_ok=True)
    return stopped
