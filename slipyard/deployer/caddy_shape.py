"""What of Caddy's configuration does not change while apps and domains come and go."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from slipyard.deployer.caddy_dns import DnsProvider

Json = dict[str, Any]
Scheme = Literal["http", "https"]

# One listening socket for each scheme, under two numbers, opened by whoever starts Caddy.
INHERITED: Mapping[Scheme, tuple[int, int]] = {"http": (3, 4), "https": (5, 6)}
WAKER = "waker.sock"
_SPARES = 16  # each costs the request of a host behind it one look into a file, some 8 µs
_USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class AcmeShape:
    """Where certificates are asked for; None is Caddy's own choice, Let's Encrypt."""

    directory: str | None = None
    email: str | None = None
    roots: Path | None = None  # PEM: who vouches for a directory of one's own
    dns: DnsProvider | None = None  # DNS-01, and so certificates for wildcards


@dataclass(frozen=True)
class CaddyShape:
    routes: Path
    http_port: int
    https_port: int
    tls: Literal["off", "internal", "acme", "files"] = "off"
    access_log: Path | None = None
    log_megabytes: int = 20
    log_files: int = 3
    inherited: bool = False  # the sockets come with the process; else Caddy opens its ports itself
    acme: AcmeShape = AcmeShape()

    @property
    def spares(self) -> int:
        return _SPARES

    @property
    def names(self) -> Path:
        """A file for each name that a certificate may be had for."""
        return self.routes / "names"

    @property
    def waker(self) -> Path:
        """The socket at which a sleeping app is woken: beside the routes, so that whoever reads those reaches it."""
        return self.routes / WAKER

    @property
    def certificates(self) -> Path:
        """`<name>.crt` and `<name>.key` of certificates that were brought."""
        return self.routes / "certificates"

    def address_of(self, host: str) -> str:
        """Where a visitor finds a host: with scheme, and with the port where it is not the scheme's own."""
        scheme, port = ("http", self.http_port) if self.tls == "off" else ("https", self.https_port)
        return f"{scheme}://{host}" if port == _USUAL_PORTS[scheme] else f"{scheme}://{host}:{port}"
