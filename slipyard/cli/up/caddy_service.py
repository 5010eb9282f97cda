"""The router: our Caddy, which goes on serving while every part of Slipyard is down."""

import json
from http import HTTPStatus
from pathlib import Path

import httpx

from slipyard.cli.up.listening import ListeningSockets
from slipyard.cli.up.service import Service
from slipyard.clients.caddy import caddy_binary, caddy_command, caddy_modules
from slipyard.deployer.caddy_config import caddy_config
from slipyard.deployer.caddy_dns import dns_environment, require_module
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
    binary, secrets = caddy_binary(settings.caddy), dns_environment(settings)
    if shape.acme.dns is not None:
        require_module(shape.acme.dns, caddy_modules(binary))
    edition = Editions(shape.routes, shape.spares).first
    first.write_text(json.dumps({**orders, **caddy_config(edition, shape)}))
    return Service(
        "caddy",
        caddy_command(binary, first),
        layout,
        answers=lambda: caddy_answers(layout.caddy_socket),
        configuration=json.dumps(secrets) if secrets else "",
        sockets=_sockets(shape),
        environment={"XDG_CONFIG_HOME": str(directory), "XDG_DATA_HOME": str(directory), **secrets},
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
