"""Which hosts answer, as files beside Caddy's configuration, so that apps come and go without another load of it.

A load restarts Caddy's servers, and the requests of other apps may die with them. `<routes>/editions/<number>/` belongs to one
configuration:

    hosts.json       the hosts that are printed in it, and the certificates that it loads, each with its host
    owners/<host>    of a printed host, or path of it: the id of its app, or "-" once it is gone
    spares/<n>/      `host`, "-" or the name of a host that came later; `app`, its app's id; `route`, a link to the app's route

A spare is used once: a request that dials again and again for seconds must not find another app behind it.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from slipyard.deployer.router import RoutedHost

SPARE_HOST, SPARE_APP, SPARE_ROUTE = "host", "app", "route"
_NOBODY = "-"  # no host and no id; an empty file would match a request without a host
_HOSTS = "hosts.json"


@dataclass(frozen=True)
class Edition:
    number: int
    directory: Path
    hosts: tuple[RoutedHost, ...] = ()  # in the order in which a request tries them
    spare_count: int = 0
    certificates: tuple[str, ...] = ()

    @property
    def spares(self) -> list[Path]:
        return [self.directory / "spares" / str(number) for number in range(self.spare_count)]

    def owner_file(self, routed: RoutedHost) -> Path:
        below = "" if routed.path == "/" else f"-{hashlib.sha256(routed.path.encode()).hexdigest()[:16]}"
        return self.directory / "owners" / f"{routed.host}{below}"


class Editions:
    """Blocking, and for one caller at a time."""

    def __init__(self, routes: Path, spare_count: int) -> None:
        self._routes = routes
        self._directory = routes / "editions"
        self._spare_count = spare_count

    def newest(self) -> Edition | None:
        """None where there is none, and where a power cut left it torn."""
        number = max(self._numbers(), default=None)
        if number is None:
            return None
        try:
            kept = json.loads((self._directory / str(number) / _HOSTS).read_text())
            hosts = [RoutedHost(**row) for row in kept["hosts"]]
            return self._edition(number, hosts, kept["certificates"])
        except (OSError, ValueError, TypeError, KeyError):
            return None

    @property
    def first(self) -> Edition:
        """For a Caddy that was never given anything: no hosts and no spares, so no files."""
        return Edition(0, self._directory / "0")

    def issue(self, hosts: Iterable[RoutedHost], certificates: Iterable[str] = ()) -> Edition:
        """All these hosts printed, all spares free. Nothing reads it before Caddy is given its configuration."""
        edition = self._edition(max(self._numbers(), default=0) + 1, hosts, certificates)
        (edition.directory / "owners").mkdir(parents=True)
        for routed in edition.hosts:
            edition.owner_file(routed).write_text(routed.app_id)
        for spare in edition.spares:
            spare.mkdir(parents=True)
            (spare / SPARE_HOST).write_text(_NOBODY)
        kept = {"hosts": [asdict(routed) for routed in edition.hosts], "certificates": edition.certificates}
        (edition.directory / _HOSTS).write_text(json.dumps(kept))
        return edition

    def fit(self, edition: Edition, hosts: Sequence[RoutedHost], certificates: Iterable[str] = ()) -> bool:
        """Makes exactly these hosts answer. False, and nothing is changed, where files alone cannot: the free spares are
        too few, a new host does more than lead to its app, or other certificates are to be loaded."""
        wanted = set(hosts)
        held = {spare: _held(spare) for spare in edition.spares if (spare / SPARE_ROUTE).is_symlink()}
        free = [spare for spare in edition.spares if spare not in held]
        new = sorted(wanted - set(edition.hosts) - set(held.values()), key=lambda routed: routed.host)
        plain = all(routed.is_plain for routed in new)
        if not plain or len(new) > len(free) or edition.certificates != tuple(sorted(certificates)):
            return False
        for routed in edition.hosts:
            _keep(edition.owner_file(routed), routed.app_id if routed in wanted else _NOBODY)
        for spare in (spare for spare in edition.spares if held.get(spare) not in wanted):
            _keep(spare / SPARE_HOST, _NOBODY)
        for spare, routed in zip(free, new, strict=False):
            self._take(spare, routed)
        return True

    def prune(self, newest: Edition) -> None:
        """The one before stays: requests that it began are still being answered."""
        for number in self._numbers():
            if number < newest.number - 1:
                shutil.rmtree(self._directory / str(number), ignore_errors=True)

    def _take(self, spare: Path, routed: RoutedHost) -> None:
        """The host comes last: from then on requests arrive."""
        (spare / SPARE_APP).write_text(routed.app_id)
        (spare / SPARE_ROUTE).symlink_to(self._routes.absolute() / routed.app_id)
        _keep(spare / SPARE_HOST, routed.host)

    def _edition(self, number: int, hosts: Iterable[RoutedHost], certificates: Iterable[str] = ()) -> Edition:
        ordered = tuple(sorted(hosts, key=_turn))
        return Edition(number, self._directory / str(number), ordered, self._spare_count, tuple(sorted(certificates)))

    def _numbers(self) -> list[int]:
        if not self._directory.exists():
            return []
        return [int(path.name) for path in self._directory.iterdir() if path.name.isdecimal()]


def _turn(routed: RoutedHost) -> tuple[bool, str, int, str]:
    return routed.is_wildcard, routed.host, -len(routed.path), routed.path


def _held(spare: Path) -> RoutedHost | None:
    try:
        return RoutedHost((spare / SPARE_HOST).read_text(), (spare / SPARE_APP).read_text())
    except OSError:
        return None


def _keep(path: Path, content: str) -> None:
    """By a rename: Caddy reads the file for each request, and must not find it empty."""
    if path.exists() and path.read_text() == content:
        return
    draft = path.parent / ".new"
    draft.write_text(content)
    draft.replace(path)
