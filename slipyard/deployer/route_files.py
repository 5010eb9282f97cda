"""One generation of a route as files: what Caddy reads for each request. No file ends in a newline: Caddy would dial it."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape, unescape
from ipaddress import IPv4Address
from pathlib import Path

from slipyard.deployer.router import SLOTS, Route, RouteState
from slipyard.domain.errors import ValidationFailed
from slipyard.domain.ids import is_id

STATE = "state"
MESSAGE = "message"
DIGEST = "digest"  # of the slots: a part of an address may look like another one
# Nobody listens there: whoever asks is held until a slot names an instance, or gives up.
HELD = "127.0.0.1:1"
_MAXIMUM_PORT = 65535


def check_route(route: Route) -> None:
    """Names become paths and addresses are dialled: Caddy itself would take port 99999 and an empty address."""
    check_app_id(route.app_id)
    for address in route.addresses:
        if not is_address(address):
            raise ValidationFailed(f"{address!r} cannot be routed to: an address is an IPv4 address and a port.")
    if len(set(route.addresses)) > SLOTS:
        raise ValidationFailed(
            f"{len(set(route.addresses))} instances cannot share {SLOTS} slots of a route. Run at most {SLOTS} replicas."
        )
    if len(route.addresses) != len(set(route.addresses)) and len(route.addresses) != SLOTS:
        raise ValidationFailed(f"Shares are given for all {SLOTS} slots of a route, not for {len(route.addresses)}.")
    if (route.state is RouteState.AWAKE) != bool(route.addresses):
        raise ValidationFailed(f"A route that is {route.state} cannot have {len(route.addresses)} addresses.")


def check_app_id(app_id: str) -> None:
    if not is_id(app_id, "app"):
        raise ValidationFailed(f"{app_id!r} is not an app's id, so it cannot name a route.")


def is_address(text: str) -> bool:
    host, _, port = text.partition(":")
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return port.isascii() and port.isdecimal() and 1 <= int(port) <= _MAXIMUM_PORT


def slots_of(addresses: tuple[str, ...]) -> list[str]:
    """Each address as often as the next, give or take one."""
    return [addresses[slot % len(addresses)] for slot in range(SLOTS)] if addresses else []


def write_generation(directory: Path, route: Route) -> None:
    """Not synced to the disk: the row in the database is the truth, and `read_generation` finds a torn one out."""
    directory.mkdir(parents=True, exist_ok=True)
    slots = slots_of(route.addresses)
    for slot, address in enumerate(slots):
        (directory / str(slot)).write_text(address)
    (directory / DIGEST).write_text(_digest(slots))
    if route.state is RouteState.REPLACING:
        (directory / "0").write_text(HELD)
    if route.state is RouteState.MAINTENANCE:
        (directory / MESSAGE).write_text(escape(route.message))  # it becomes part of a page
    (directory / STATE).write_text(route.state)


def read_generation(directory: Path, app_id: str) -> Route | None:
    """None where it is not whole: after a power cut files may be there and empty."""
    try:
        generation, state = int(directory.name), RouteState((directory / STATE).read_text())
        slots = [(directory / str(slot)).read_text() for slot in range(SLOTS)] if state is RouteState.AWAKE else []
        undamaged = (directory / DIGEST).read_text() == _digest(slots)
        message = unescape((directory / MESSAGE).read_text()) if state is RouteState.MAINTENANCE else ""
    except (OSError, ValueError):
        return None
    return canonical(Route(app_id, generation, state, tuple(slots), message)) if undamaged else None


def _digest(slots: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(slots).encode()).hexdigest()


def canonical(route: Route) -> Route:
    """The same slots said in one way: each address once, where that says it all."""
    slots, once = slots_of(route.addresses), _distinct(route.addresses)
    return replace(route, addresses=once if slots_of(once) == slots else tuple(slots))


def _distinct(slots: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(slots))
