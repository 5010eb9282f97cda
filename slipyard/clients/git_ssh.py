"""ssh for one git process: one key, one host, one address, no agent and nothing of the user's own configuration."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from slipyard.clients.git_remote import GitRemote
from slipyard.domain.git_url import GitUrl

_PROGRAM = '#!/bin/sh\nexec ssh -F "$SLIPYARD_SSH_CONFIG" "$@"\n'  # git hands over its own -p and -o arguments
_CONNECT_SECONDS = 15


@asynccontextmanager
async def ssh_access(remote: GitRemote, known_hosts: Path) -> AsyncIterator[dict[str, str]]:
    """The environment through which git finds ssh; empty for http(s). The key's file is gone afterwards.

    `known_hosts` keeps the key that a host showed first, where its credential names none.
    """
    if remote.url.scheme != "ssh":
        yield {}
        return
    with TemporaryDirectory(prefix="slipyard-ssh-") as name:
        yield await asyncio.to_thread(_write, Path(name), remote, known_hosts)


def _write(directory: Path, remote: GitRemote, known_hosts: Path) -> dict[str, str]:
    credential = remote.credential
    if credential is not None and credential.private_key is not None:
        _write_private(directory / "key", credential.private_key.strip() + "\n")
    if credential is not None and credential.known_hosts:
        _write_private(directory / "known_hosts", credential.known_hosts.strip() + "\n")
        options = _options(remote, directory, directory / "known_hosts", checking="yes")
    else:
        options = _options(remote, directory, known_hosts, checking="accept-new")
    _write_private(directory / "config", "".join(f"{name} {value}\n" for name, value in options.items()))
    _write_private(directory / "ssh", _PROGRAM, mode=0o700)
    return {
        "GIT_SSH": str(directory / "ssh"),
        "GIT_SSH_VARIANT": "ssh",
        "SLIPYARD_SSH_CONFIG": str(directory / "config"),
    }


def _options(remote: GitRemote, directory: Path, known_hosts: Path, *, checking: str) -> dict[str, str]:
    return {
        "HostName": str(remote.addresses[0]),
        "HostKeyAlias": host_alias(remote.url.host, remote.url.port),
        "CheckHostIP": "no",
        "IdentityFile": f'"{directory / "key"}"',
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PreferredAuthentications": "publickey",
        "UserKnownHostsFile": f'"{known_hosts}"',
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": checking,
        "UpdateHostKeys": "no",
        "HashKnownHosts": "no",
        "BatchMode": "yes",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "ClearAllForwardings": "yes",
        "PermitLocalCommand": "no",
        "ProxyCommand": "none",
        "ControlPath": "none",
        "ConnectTimeout": str(_CONNECT_SECONDS),
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
    }


def host_alias(host: str, port: int) -> str:
    """As ssh itself would look the host up, so that lines of ssh-keyscan fit."""
    return host if port == 22 else f"[{host}]:{port}"  # noqa: PLR2004 - ssh


def seen_keys(known_hosts: Path, url: GitUrl) -> str:
    """The lines that were kept when this host showed its keys first; empty where it never did. Blocking."""
    alias = host_alias(url.host, url.port)
    try:
        lines = known_hosts.read_text().splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(line for line in lines if line.split(" ", 1)[0] == alias)


def _write_private(path: Path, text: str, mode: int = 0o600) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
