"""The router: our Caddy, which goes on serving while every part of Slipyard is down."""

import json
from http import HTTPStatus
from pathlib import Path

import httpx

from slipyard.cli.up.listening import ListeningSockets
from slipyard.cli.up.service import Service
from slipyard.clients.caddy import caddy_binary, caddy_command
from slipyard.deployer.caddy_config import caddy_config
from slipyard.deployer.caddy_editions import Editions
from slipyard.deployer.caddy_router import caddy_shape
from slipyard.deployer.caddy_shape import INHERITED, CaddyShape
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
    shape = caddy_shape(settings, layout)
    edition = Editions(shape.routes, shape.spares).first
    first.write_text(json.dumps({**orders, **caddy_config(edition, shape)}))
    return Service(
        "caddy",
        caddy_command(caddy_binary(settings.caddy), first),
        layout,
        answers=lambda: caddy_answers(layout.caddy_socket),
        sockets=_sockets(shape),
        environment={"XDG_CONFIG_HOME": str(directory), "XDG_DATA_HOME": str(directory)},
    )


def _sockets(shape: CaddyShape) -> ListeningSockets:
    ports = dict.fromkeys(INHERITED["http"], shape.http_port)
    if shape.tls != "off":
        ports |= dict.fromkeys(INHERITED["https"], shape.https_port)
    return ListeningSockets(ports)


def caddy_answers(path: Path) -> bool:
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path), verify=False), timeout=2) as client:
            return client.get("http://localhost/config/admin").status_code == HTTPStatus.OK
    except httpx.HTTPError:
        return False
