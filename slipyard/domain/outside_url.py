"""The URL of an HTTP service elsewhere: https, or plain http inside networks that an operator opened."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from slipyard.domain.errors import SourceRefused
from slipyard.domain.network_rules import Network, check_addresses, check_host, is_allowed, literal_address

_PORTS = {"https": 443, "http": 80}
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^/?#]*@)?"
    r"(?P<host>\[[^\]/?#]*\]|[^:/?#\[\]@]*)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?"
)
_MAXIMUM = 2048
_MAXIMUM_PORT = 65535


@dataclass(frozen=True)
class OutsideUrl:
    """`host` is lower case, IPv6 without brackets. `path` begins with `/` and may carry a query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_and_port(self) -> str:
        """As people and `Host` headers write it: without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host_and_port}"

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"


def parse_outside_url(text: str, allowed_networks: Sequence[Network] = ()) -> OutsideUrl:
    """`SourceRefused` for everything that is no plain HTTP URL, carries a name or password, or names a closed address.

    The text is not repeated in the message: such URLs may be secrets.
    """
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > _MAXIMUM:
        raise SourceRefused(f"A URL has up to {_MAXIMUM} plain characters; encode others with %.")
    found = _URL.fullmatch(text)
    if found is None or found["scheme"].lower() not in _PORTS or not found["host"]:
        raise SourceRefused("This is not the address of a web service. Write it as https://host/path.")
    if found["user"]:
        raise SourceRefused("The URL carries a name or password, which would end up in logs. Leave it out.")
    url = _checked(found, found["scheme"].lower())
    if url.scheme == "http" and not allowed_networks:
        raise SourceRefused("Plain http shows tokens and messages to everybody on the way. Use https.")
    literal = literal_address(url.host)
    if literal is not None:
        check_addresses(url.host, [literal], allowed_networks)
        check_plain_http(url, [is_allowed(literal, allowed_networks)])
    return url


def check_plain_http(url: OutsideUrl, opened: Sequence[bool]) -> None:
    """`opened`: for each of its addresses, whether an operator opened it by name."""
    if url.scheme == "http" and not all(opened):
        raise SourceRefused(f"{url.host} is not in an allowed network, so plain http is refused. Use https.")


def _checked(found: re.Match[str], scheme: str) -> OutsideUrl:
    host = check_host(found["host"].strip("[]"))
    port = int(found["port"] or _PORTS[scheme])
    if not 1 <= port <= _MAXIMUM_PORT:
        raise SourceRefused(f"{port} is not a port: use 1 to {_MAXIMUM_PORT}.")
    return OutsideUrl(scheme, host, port, f"{found['path'] or '/'}{found['query'] or ''}")
