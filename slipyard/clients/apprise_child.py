"""The process that imports Apprise: one JSON object in, one out. See `clients/apprise.py`."""

import json
import logging
import re
import sys
from ipaddress import ip_address, ip_network
from typing import Any

import apprise

from slipyard.domain.network_rules import Network, may_reach

# They tell whoever sits at this machine, and nobody does.
_LOCAL = {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}
_STATUS = re.compile(r"error=(\d{3})")
_ADDRESS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_PROGRAMS = ("subprocess.", "os.exec", "os.posix_spawn", "os.system", "os.fork", "syslog.")


class _Words(logging.Handler):
    """Of what Apprise logs only the status is kept: its lines may carry what is secret in a URL."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.statuses: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.statuses += _STATUS.findall(record.getMessage())


class _Guard:
    """An audit hook (PEP 578): whatever a plugin or a redirect leads to is judged by the address that is dialled."""

    def __init__(self, networks: list[Network]) -> None:
        self._networks = networks
        self.closed: str | None = None

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        if event in _ADDRESS and not self._may_reach(given[1]):
            self.closed = str(given[1][0]) if isinstance(given[1], tuple) else "a local socket"
            raise PermissionError("closed")
        if event.startswith(_PROGRAMS):
            raise PermissionError("closed")

    def _may_reach(self, address: Any) -> bool:
        if not isinstance(address, tuple):
            return False
        try:
            return may_reach(ip_address(str(address[0]).partition("%")[0]), self._networks)
        except ValueError:
            return False  # a name that would be resolved past us


def main() -> None:
    outcome, reason = _answer(json.loads(sys.stdin.read()))
    print(json.dumps({"outcome": outcome, "reason": reason}))  # noqa: T201 - this is how the child answers


def _answer(asked: dict[str, Any]) -> tuple[str, str]:
    service = apprise.Apprise.instantiate(asked["url"], suppress_exceptions=True)
    if service is None or asked["url"].partition("://")[0].lower() in _LOCAL:
        return "refused", "This is not the URL of a service that Apprise can reach from a server."
    if "body" not in asked:
        return "done", ""
    words, guard = _Words(), _Guard([ip_network(text) for text in asked["networks"]])
    logging.getLogger("apprise").addHandler(words)
    sys.addaudithook(guard)
    sent = apprise.Apprise([service]).notify(body=asked["body"], title=asked["title"])
    if sent:
        return "done", ""
    if guard.closed is not None:
        return "refused", (
            f"The service is at {guard.closed}, which is closed: addresses of this machine and its neighbours are not "
            "called. An operator opens a private network with SLIPYARD_ALLOWED_NETWORKS."
        )
    status = f" with {words.statuses[-1]}" if words.statuses else ""
    return "not_taken", f"The service did not take the notification{status}. Check its URL and its rights."


if __name__ == "__main__":
    main()
