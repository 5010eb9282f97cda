"""How traffic finds instances: one directory an app, one rename a switch (`routes.py`), and Caddy in front (`caddy_router.py`).

The route of an app is `<routes>/<app_id>/<generation>/{0..19,state}` and the symlink `<app_id>/current`. Caddy reads the
address of a slot for each request, so a switch touches no configuration.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import cycle
from typing import Protocol

SLOTS = 20


class RouteState(StrEnum):
    AWAKE = "awake"
    STOPPED = "stopped"  # answers 503 with a page that says so
    REPLACING = "replacing"  # requests wait a while: the old instances have ended, the new ones are not ready
    ASLEEP = "asleep"  # requests wait while the waker brings it back, then go on to it
    MAINTENANCE = "maintenance"  # answers 503 with a page that says so and `message`, whatever runs behind it
    NOT_DEPLOYED = "not_deployed"  # the app exists, nothing was live yet


@dataclass(frozen=True)
class Route:
    """`addresses` are `ip:port`, each live instance once, and slots are filled alike; or one for each of the 20 slots,
    where shares differ, see `shares`."""

    app_id: str
    generation: int
    state: RouteState
    addresses: tuple[str, ...] = ()
    message: str = ""


def shares(new: Sequence[str], old: Sequence[str], percent: int) -> tuple[str, ...]:
    """The 20 slots of which `new` get a share in steps of 5 %, spread evenly over the turn of a round robin."""
    turns = {True: cycle(new), False: cycle(old)}
    wanted = percent * SLOTS // 100
    return tuple(next(turns[(slot + 1) * wanted // SLOTS > slot * wanted // SLOTS]) for slot in range(SLOTS))


@dataclass(frozen=True)
class RoutedHost:
    """One name, or what lies below `path` of it. `*.` may stand in front of a name, for one label."""

    host: str
    app_id: str
    path: str = "/"
    strip_prefix: bool = False  # the app is asked without `path`
    redirect_to: str = ""  # another host: visitors are sent there
    redirect_status: int = 308
    rules: str = ""  # `RouteRules` as JSON, so that a host stays a value that sets know

    @property
    def is_plain(self) -> bool:
        """Leads to the app and does nothing else, so that files alone can say so."""
        return self == RoutedHost(self.host, self.app_id) and not self.is_wildcard

    @property
    def is_wildcard(self) -> bool:
        return self.host.startswith("*")


@dataclass(frozen=True)
class OwnCertificate:
    """Both as PEM; in `chain` the host's own comes first. `host`, a name or a wildcard, gets no other one."""

    host: str
    chain: str
    key: str = field(repr=False)


class Router(Protocol):
    async def switch(self, route: Route) -> None:
        """Atomic, under the app's lock. A generation not above the current one is `Conflict`, and changes nothing;
        the same route again is done already."""

    async def current(self, app_id: str) -> Route | None: ...

    async def publish(self, hosts: Sequence[RoutedHost], certificates: Sequence[OwnCertificate] = ()) -> None:
        """Makes exactly these hosts answer; all others get a 404. Needed only when apps or domains come and go.

        Where several match a request, a name goes before a wildcard, and a longer path before a shorter one."""

    async def forget(self, app_id: str) -> None:
        """Removes the route's files, after its hosts were unpublished."""

    async def in_flight(self, addresses: Sequence[str]) -> int:
        """Requests and websockets that these addresses are still answering."""
