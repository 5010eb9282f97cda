"""The URL of a git repository elsewhere: https, ssh, or plain http inside networks that an operator opened."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal
from urllib.parse import unquote

from slipyard.domain.errors import SourceRefused
from slipyard.domain.network_rules import Network, check_host, is_allowed, literal_address, may_reach

Scheme = Literal["https", "ssh", "http"]

_PORTS: dict[Scheme, int] = {"https": 443, "ssh": 22, "http": 80}
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<user>[^/?#]*)@)?"
    r"(?P<host>\[[^\]/?#]*\]|[^:/?#\[\]@]*)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^?#]*)?"
)
_SCP = re.compile(r"(?P<user>[^@:/\[\]]+)@(?P<host>[^:/@\[\]]+):(?P<path>[^:].*)")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_PATH = re.compile(r"/?(?:[A-Za-z0-9._~/@+,=:-]|%[2-9A-Fa-f][0-9A-Fa-f])+")
_MAXIMUM = 2048
LOOPBACK = IPv4Address("127.0.0.1")
_MAXIMUM_PORT = 65535
_FORMS = "Use https://host/path, ssh://git@host/path or git@host:path."


@dataclass(frozen=True)
class GitUrl:
    """`host` is lower case, IPv6 without brackets; `username` only for ssh.

    `path` begins with `/`, except from `git@host:path`, where it starts at the home of that user.
    """

    scheme: Scheme
    host: str
    port: int
    path: str
    username: str | None = None

    def __str__(self) -> str:
        """The one form that git is given: no default port, no password."""
        if not self.path.startswith("/"):
            return f"{self.username}@{self.host}:{self.path}"
        return f"{self.origin(self.username)}{self.path}"

    def origin(self, username: str | None = None) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{username}@" if username else ""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{user}{host}{port}"


def parse_git_url(text: str, allowed_networks: Sequence[Network] = ()) -> GitUrl:
    """`SourceRefused` for everything that git might read as an option, a program, a local path or a secret.

    Plain http is taken only where private networks are open at all; whether a name lies in one is known once it is
    resolved. Literal addresses are judged here already, so that an app with a forbidden URL is never made.
    """
    _check_text(text)
    url = _from_url(text) if "://" in text else _from_scp(text)
    if url.scheme == "http" and not allowed_networks:
        raise SourceRefused("Plain http shows code and credentials to everybody on the way. Use https or ssh.")
    _check_literal(url, allowed_networks)
    return url


def _check_text(text: str) -> None:
    if not text or len(text) > _MAXIMUM:
        raise SourceRefused(f"A repository URL has 1 to {_MAXIMUM} characters. {_FORMS}")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise SourceRefused(
            "A repository URL has no spaces, control characters or letters beyond ASCII: encode them with %."
        )
    if text.startswith("-"):
        raise SourceRefused(f"A repository URL does not begin with a hyphen. {_FORMS}")
    if "\\" in text or "::" in text.split("[", maxsplit=1)[0]:
        raise SourceRefused(f"Remote helpers and Windows paths are not taken as repositories. {_FORMS}")


def _from_url(text: str) -> GitUrl:
    found = _URL.fullmatch(text)
    if found is None:
        raise SourceRefused(f"This is not a repository URL: no query, no fragment, a port in digits. {_FORMS}")
    scheme = _scheme(found["scheme"])
    return GitUrl(
        scheme,
        _host(found["host"]),
        _port(scheme, found["port"]),
        _path(found["path"] or ""),
        _username(scheme, found["user"]),
    )


def _from_scp(text: str) -> GitUrl:
    found = _SCP.fullmatch(text)
    if found is None or text.startswith((".", "/", "~")):
        raise SourceRefused(f"A path on this machine or a bare name is no repository URL. {_FORMS}")
    return GitUrl("ssh", _host(found["host"]), 22, _path(found["path"]), _username("ssh", found["user"]))


def _scheme(text: str) -> Scheme:
    match text.lower():
        case "https" | "ssh" | "http" as scheme:
            return scheme
        case other:
            raise SourceRefused(f"{other}:// is not spoken here. {_FORMS}")


def _host(text: str) -> str:
    if not text:
        raise SourceRefused(f"The repository URL names no host. {_FORMS}")
    if text.startswith("[") and ":" not in text:
        raise SourceRefused(f"{text!r} is not an IPv6 address, and only those stand in brackets.")
    return check_host(text[1:-1] if text.startswith("[") else text)


def _port(scheme: Scheme, text: str | None) -> int:
    port = _PORTS[scheme] if text is None else int(text)
    if not 1 <= port <= _MAXIMUM_PORT:
        raise SourceRefused(f"{port} is not a port: use 1 to {_MAXIMUM_PORT}.")
    return port


def _username(scheme: Scheme, text: str | None) -> str | None:
    if text is None:
        return None
    if ":" in text or scheme != "ssh":
        raise SourceRefused(
            "A repository URL carries no name or password over http(s), where it would end up in logs. Store a git credential for the host instead."
        )
    if not _USER.fullmatch(text):
        raise SourceRefused(
            "The user name of an ssh URL has letters, digits, dots, hyphens and underscores, such as git."
        )
    return text


def _path(text: str) -> str:
    if not _PATH.fullmatch(text) or not text.strip("/"):
        raise SourceRefused(f"The repository URL needs the path of a repository in plain characters. {_FORMS}")
    if any(part in {".", ".."} or part.startswith("-") for part in unquote(text).split("/")):
        raise SourceRefused("The path of a repository has no . or .. parts and no part that begins with a hyphen.")
    return text


def _check_literal(url: GitUrl, allowed: Sequence[Network]) -> None:
    here = url.host == "localhost" or url.host.endswith(".localhost")  # by RFC 6761, whatever a name server says
    address = LOOPBACK if here else literal_address(url.host)
    if address is None:
        return
    if not may_reach(address, allowed):
        raise SourceRefused(
            f"{url.host} is closed: addresses of this machine, its neighbours and metadata services are not called. "
            "An operator opens a private network with SLIPYARD_ALLOWED_NETWORKS."
        )
    if url.scheme == "http" and not is_allowed(address, allowed):
        raise SourceRefused(f"{url.host} is not in an allowed network, so plain http is refused. Use https or ssh.")
