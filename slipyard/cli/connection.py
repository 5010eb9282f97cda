"""Which Slipyard a command speaks to, and as whom. A token never stands on a command line, where others can read it."""

import os
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipyard.cli.credentials import Credentials, credentials_path
from slipyard.cli.failure import Unreachable
from slipyard.cli.up.published_url import published_url

_SETTINGS = "slipyard.domain.settings:Settings"  # resolved only when needed: it takes longer than the rest together


@dataclass(frozen=True)
class Connection:
    url: str
    token: str = field(repr=False)


def find_connection(environment: Mapping[str, str] | None = None) -> Connection:
    """SLIPYARD_URL and SLIPYARD_TOKEN, else the installation in SLIPYARD_HOME, else what `slipyard login` stored."""
    given = os.environ if environment is None else environment
    url, token = given.get("SLIPYARD_URL", "").rstrip("/"), given.get("SLIPYARD_TOKEN", "")
    local = _local(given, token)
    stored = Credentials.load(credentials_path())
    if url:
        return Connection(url, token or _token_for(url, local, stored))
    if local is not None:
        return local
    if stored.current is not None:
        return Connection(stored.current, token or stored.servers.get(stored.current, ""))
    raise Unreachable(
        "No Slipyard is known here. Start one with `slipyard up`, sign in to one with `slipyard login URL`, or set"
        " SLIPYARD_URL and SLIPYARD_TOKEN."
    )


def _local(given: Mapping[str, str], token: str) -> Connection | None:
    home = Path(given.get("SLIPYARD_HOME") or Path.home() / ".slipyard").expanduser().absolute()
    try:
        secret = token or (home / "admin.token").read_text().strip()
    except OSError:
        return None
    if not (home / "installation.json").exists():
        return None
    url = published_url(home / "run") or pkgutil.resolve_name(_SETTINGS)().api_url
    return Connection(url.rstrip("/"), secret)


def _token_for(url: str, local: Connection | None, stored: Credentials) -> str:
    """A token is bound to its server: that of another one is never sent."""
    if url in stored.servers:
        return stored.servers[url]
    if local is not None and local.url == url:
        return local.token
    raise Unreachable(
        f"No token is known for {url}. Set SLIPYARD_TOKEN, or sign in with `slipyard login {url}`.", code="no_token"
    )
