"""The closed environment that every git process runs in: nothing of the machine's or the user's configuration gets in."""

import os
from base64 import b64encode
from collections.abc import Mapping, Sequence

from slipyard.clients.git_remote import GitRemote

_LOW_SPEED_BYTES, _LOW_SPEED_SECONDS = "1000", "60"
_CERTIFICATES = ("GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR")  # an operator's own authority

_ALWAYS = {
    "core.hooksPath": "/dev/null",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.version": "2",
    "protocol.allow": "never",
    "safe.directory": "*",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "http.followRedirects": "false",
    "http.proxy": "",
    "http.lowSpeedLimit": _LOW_SPEED_BYTES,
    "http.lowSpeedTime": _LOW_SPEED_SECONDS,
}


def local_environment() -> dict[str, str]:
    """For commands that touch only a repository on this machine: no transport is allowed at all."""
    return _base() | _configuration(list(_ALWAYS.items()))


def remote_environment(remote: GitRemote, ssh: Mapping[str, str]) -> dict[str, str]:
    """For one remote: its scheme only, its host pinned to the addresses that were checked, its credential as a header.

    The secret travels in the environment, which only this user can read, and never in an argument list. git sends the
    header to this origin alone, and redirects are off.
    """
    url = remote.url
    settings = [*_ALWAYS.items(), (f"protocol.{url.scheme}.allow", "always")]
    if url.scheme != "ssh":
        addresses = ",".join(f"[{address}]" if address.version == 6 else str(address) for address in remote.addresses)  # noqa: PLR2004 - IPv6
        settings.append(("http.curloptResolve", f"{url.host}:{url.port}:{addresses}"))
        settings += _authorization(remote)
    return _base() | {"GIT_ALLOW_PROTOCOL": url.scheme} | _configuration(settings) | dict(ssh)


def _base() -> dict[str, str]:
    certificates = {name: os.environ[name] for name in _CERTIFICATES if name in os.environ}
    return certificates | {
        "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def _authorization(remote: GitRemote) -> list[tuple[str, str]]:
    credential = remote.credential
    if credential is None or credential.password is None:
        return []
    secret = b64encode(f"{credential.username}:{credential.password}".encode()).decode()
    return [(f"http.{remote.url.origin()}/.extraHeader", f"Authorization: Basic {secret}")]


def _configuration(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    numbered = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings):
        numbered |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return numbered
