"""Whether two URLs mean one repository: by https or by ssh, with or without .git, whoever logs in."""

from ipaddress import IPv4Network, IPv6Network
from urllib.parse import unquote

from slipyard.domain.errors import SlipyardError
from slipyard.domain.git_url import GitUrl, parse_git_url

_EVERYWHERE = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))  # comparing calls nobody
_USUAL_PORTS = {80, 443}


def repository_key(url: str | None) -> str | None:
    """`host/owner/name`, the path as it is written: only some hosts take it in any case. None where it is no URL."""
    if not url:
        return None
    try:
        parsed = parse_git_url(url, _EVERYWHERE)
    except SlipyardError:
        return None
    path = unquote(parsed.path).strip("/").removesuffix(".git").strip("/")
    return f"{_host(parsed)}/{path}" if path else None


def _host(url: GitUrl) -> str:
    """The port of ssh says nothing about where the same host speaks https; another port of https is another server."""
    host = url.host.removesuffix(".")
    usual = url.scheme == "ssh" or url.port in _USUAL_PORTS
    return host if usual else f"{host}:{url.port}"
