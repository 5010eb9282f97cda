"""Caddy's whole configuration as a value. It names hosts and files, never an address of an instance."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from slipyard.deployer import caddy_pages
from slipyard.deployer.route_files import STATE
from slipyard.deployer.router import SLOTS, RoutedHost, RouteState
from slipyard.deployer.routes import CURRENT

Json = dict[str, Any]

_MILLISECOND = 1_000_000  # Caddy's durations are nanoseconds
_SECOND = 1000 * _MILLISECOND
_HOUR = 3600 * _SECOND
_SERVED, _ACCESS = "apps", "access"


@dataclass(frozen=True)
class CaddyShape:
    """What does not change while apps come and go."""

    routes: Path
    http_port: int
    https_port: int
    tls: Literal["off", "internal", "acme"] = "off"
    access_log: Path | None = None
    log_megabytes: int = 20
    log_files: int = 3


def caddy_config(hosts: Sequence[RoutedHost], shape: CaddyShape) -> Json:
    """Without `admin`: where Caddy takes orders is decided by whoever starts it."""
    apps: Json = {
        "http": {"http_port": shape.http_port, "https_port": shape.https_port, "servers": _servers(hosts, shape)}
    }
    if shape.tls == "internal":
        # Into no trust store: the machine's is not ours to change.
        apps["pki"] = {"certificate_authorities": {"local": {"install_trust": False}}}
        apps["tls"] = {"automation": {"policies": [{"issuers": [{"module": "internal"}]}]}}
    return {"logging": _logging(shape), "apps": apps}


def _servers(hosts: Sequence[RoutedHost], shape: CaddyShape) -> Json:
    routes = [_app_route(app_id, names, shape) for app_id, names in _by_app(hosts).items()]
    served: Json = {"routes": [*routes, {"handle": [_page(404, caddy_pages.NO_APP)]}]}
    if shape.access_log is not None:
        served["logs"] = {"default_logger_name": _ACCESS}
    if shape.tls == "off":
        return {_SERVED: {**served, "listen": [f":{shape.http_port}"], "automatic_https": {"disable": True}}}
    return {
        _SERVED: {**served, "listen": [f":{shape.https_port}"], "automatic_https": {"disable_redirects": True}},
        "to_https": {
            "listen": [f":{shape.http_port}"],
            "routes": [{"handle": [_to_https(shape)]}],
            "automatic_https": {"disable": True},
        },
    }


def _by_app(hosts: Sequence[RoutedHost]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for host in sorted(hosts, key=lambda routed: (routed.app_id, routed.host)):
        found.setdefault(host.app_id, []).append(host.host)
    return found


def _app_route(app_id: str, names: list[str], shape: CaddyShape) -> Json:
    current = f"{shape.routes}/{app_id}/{CURRENT}"
    states = [
        {**_when(current, RouteState.AWAKE), "handle": _proxied(app_id, current, shape)},
        {**_when(current, RouteState.STOPPED), "handle": [_page(503, caddy_pages.STOPPED)]},
        {"handle": [_page(503, caddy_pages.NOT_DEPLOYED)]},
    ]
    return {"match": [{"host": names}], "handle": [{"handler": "subroute", "routes": states}], "terminal": True}


def _when(current: str, state: RouteState) -> Json:
    return {"match": [{"vars": {f"{{file.{current}/{STATE}}}": [state.value]}}], "terminal": True}


def _proxied(app_id: str, current: str, shape: CaddyShape) -> list[Json]:
    proxy = _reverse_proxy(current)
    if shape.access_log is None:
        return [proxy]
    answered = "{http.reverse_proxy.upstream.hostport}"
    return [
        {"handler": "log_append", "key": "app", "value": app_id},
        {"handler": "log_append", "key": "upstream", "value": answered},
        proxy,
    ]


def _reverse_proxy(current: str) -> Json:
    """No health checks: with addresses from files their verdict would stick to the slot, and outlive the address in it."""
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"{{file.{current}/{slot}}}"} for slot in range(SLOTS)],
        "transport": {"protocol": "http", "dial_timeout": 250 * _MILLISECOND},
        "load_balancing": {
            "selection_policy": {"policy": "round_robin"},
            "try_duration": 5 * _SECOND,
            "try_interval": 20 * _MILLISECOND,
        },
        "stream_close_delay": 24 * _HOUR,
    }


def _page(status: int, text: str) -> Json:
    headers = {"Content-Type": ["text/html; charset=utf-8"], "Cache-Control": ["no-store"]}
    return {"handler": "static_response", "status_code": status, "headers": headers, "body": text}


def _to_https(shape: CaddyShape) -> Json:
    port = "" if shape.https_port == 443 else f":{shape.https_port}"  # noqa: PLR2004 - the port of https itself
    location = f"https://{{http.request.host}}{port}{{http.request.uri}}"
    return {"handler": "static_response", "status_code": 308, "headers": {"Location": [location]}}


def _logging(shape: CaddyShape) -> Json:
    # A line for each call of ours, many a second while a rollout drains, would fill the disk.
    logs: Json = {"default": {"level": "INFO", "exclude": [f"http.log.access.{_ACCESS}", "admin.api"]}}
    if shape.access_log is not None:
        writer = {
            "output": "file",
            "filename": str(shape.access_log),
            "roll_size_mb": shape.log_megabytes,
            "roll_keep": shape.log_files,
        }
        logs[_ACCESS] = {"writer": writer, "include": [f"http.log.access.{_ACCESS}"]}
    return {"logs": logs}
