"""The router: our Caddy, which goes on serving while every part of Slipyard is down."""

import json
from http import HTTPStatus
from pathlib import Path

import httpx

from slipyard.cli.up.service import Service
from slipyard.clients.caddy import caddy_binary, caddy_command
from slipyard.deployer.caddy_config import caddy_config
from slipyard.deployer.caddy_router import caddy_shape
from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings


def caddy_service(settings: Settings, layout: Layout) -> Service | None:
    """None where Caddy runs elsewhere. Its configuration is no reason for another process: it is loaded while it runs."""
    if settings.caddy_admin is not None:
        return None
    directory = layout.home / "caddy"
    directory.mkdir(mode=0o700, exist_ok=True)
    first = directory / "first.json"
    orders = {"admin": {"listen": f"unix/{layout.caddy_socket}|0600"}}
    first.write_text(json.dumps({**orders, **caddy_config([], caddy_shape(settings, layout))}))
    return Service(
        "caddy",
        caddy_command(caddy_binary(settings.caddy), first),
        layout,
        answers=lambda: caddy_answers(layout.caddy_socket),
        environment={"XDG_CONFIG_HOME": str(directory), "XDG_DATA_HOME": str(directory)},
    )


def caddy_answers(path: Path) -> bool:
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=2) as client:
            return client.get("http://localhost/config/admin").status_code == HTTPStatus.OK
    except httpx.HTTPError:
        return False
