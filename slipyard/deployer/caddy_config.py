"""Caddy's whole configuration as a value. It names hosts and files, never an address of an instance."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from slipyard.deployer import caddy_pages
from slipyard.deployer.caddy_editions import SPARE_APP, SPARE_HOST, SPARE_ROUTE, Edition
from slipyard.deployer.route_files import MESSAGE, STATE
from slipyard.deployer.router import SLOTS, RoutedHost, RouteState
from slipyard.deployer.routes import CURRENT

Json = dict[str, Any]
Scheme = Literal["http", "https"]

# One listening socket for each scheme, under two numbers, opened by whoever starts Caddy.
INHERITED: Mapping[Scheme, tuple[int, int]] = {"http": (3, 4), "https": (5, 6)}
LEAVING_MILLISECONDS = 250
_SPARES = 16  # each costs the request of a host behind it one look into a file, some 8 µs

_MILLISECOND = 1_000_000  # Caddy's durations are nanoseconds
_SECOND = 1000 * _MILLISECOND
_HOUR = 3600 * _SECOND
_SERVED, _ACCESS = "apps", "access"
_HELD_SECONDS = 30
_BACK_IN_SECONDS = 30


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
    inherited: bool = False  # the sockets come with the process; else Caddy opens its ports itself

    @property
    def spares(self) -> int:
        """With TLS none: certificates are made for the names in the configuration."""
        return _SPARES if self.tls == "off" else 0


def caddy_config(edition: Edition, shape: CaddyShape) -> Json:
    """Without `admin`: where Caddy takes orders is decided by whoever starts it."""
    http: Json = {"http_port": shape.http_port, "https_port": shape.https_port, "servers": _servers(edition, shape)}
    if shape.inherited:
        http["shutdown_delay"] = LEAVING_MILLISECONDS * _MILLISECOND
    apps: Json = {"http": http}
    if shape.tls == "internal":
        # Into no trust store: the machine's is not ours to change.
        apps["pki"] = {"certificate_authorities": {"local": {"install_trust": False}}}
        apps["tls"] = {"automation": {"policies": [{"issuers": [{"module": "internal"}]}]}}
    return {"logging": _logging(shape), "apps": apps}


def _servers(edition: Edition, shape: CaddyShape) -> Json:
    printed = [_printed_route(routed, edition, shape) for routed in edition.hosts]
    spare = [_spare_route(directory, shape) for directory in edition.spares]
    nobody = {"handle": [_page(404, caddy_pages.NO_APP)]}
    served: Json = {"routes": [_leaving(), *printed, *spare, nobody]}
    if shape.access_log is not None:
        served["logs"] = {"default_logger_name": _ACCESS}
    if shape.tls == "off":
        return {_SERVED: {**served, **_listen(edition, shape, "http"), "automatic_https": {"disable": True}}}
    return {
        _SERVED: {**served, **_listen(edition, shape, "https"), "automatic_https": {"disable_redirects": True}},
        "to_https": {
            **_listen(edition, shape, "http"),
            "routes": [_leaving(), {"handle": [_to_https(shape)]}],
            "automatic_https": {"disable": True},
        },
    }


def _listen(edition: Edition, shape: CaddyShape, scheme: Scheme) -> Json:
    """Each edition takes the other number of the same socket: only where an address goes away does Caddy keep to
    `shutdown_delay`, in which the connections of the edition before are told to close."""
    if not shape.inherited:
        return {"listen": [f":{shape.http_port if scheme == 'http' else shape.https_port}"]}
    listen: Json = {"listen": [f"fd/{INHERITED[scheme][edition.number % 2]}"]}
    if scheme == "https":
        # Caddy would know https by the port; and HTTP/3 needs a socket of its own.
        listen |= {"tls_connection_policies": [{}], "protocols": ["h1", "h2"]}
    return listen


def _leaving() -> Json:
    """A client that is told to close asks over a new connection; one that finds it closed loses its request."""
    ordinary = {"vars": {"{http.shutting_down}": ["true"]}, "not": [{"header": {"Upgrade": ["*"]}}]}
    return {"match": [ordinary], "handle": [{"handler": "headers", "response": {"set": {"Connection": ["close"]}}}]}


def _printed_route(routed: RoutedHost, edition: Edition, shape: CaddyShape) -> Json:
    """The file is asked behind the host's match: matchers side by side come in any order, and hosts are many."""
    still = {"vars": {f"{{file.{edition.owner_file(routed.host)}}}": [routed.app_id]}}
    owned = {
        "match": [still],
        "handle": _states(f"{shape.routes}/{routed.app_id}", routed.app_id, shape),
        "terminal": True,
    }
    return {"match": [{"host": [routed.host]}], "handle": [{"handler": "subroute", "routes": [owned]}]}


def _spare_route(directory: Path, shape: CaddyShape) -> Json:
    host, app = f"{{file.{directory}/{SPARE_HOST}}}", f"{{file.{directory}/{SPARE_APP}}}"
    return {"match": [{"host": [host]}], "handle": _states(f"{directory}/{SPARE_ROUTE}", app, shape), "terminal": True}


def _states(route: str, app: str, shape: CaddyShape) -> list[Json]:
    current = f"{route}/{CURRENT}"
    states = [
        {**_when(current, RouteState.AWAKE), "handle": _proxied(app, current, shape)},
        {**_when(current, RouteState.REPLACING), "handle": [_held(current)]},
        {**_when(current, RouteState.STOPPED), "handle": [_page(503, caddy_pages.STOPPED)]},
        {**_when(current, RouteState.MAINTENANCE), "handle": [_maintenance(current)]},
        {"handle": [_page(503, caddy_pages.NOT_DEPLOYED)]},
    ]
    return [{"handler": "subroute", "routes": states}]


def _when(current: str, state: RouteState) -> Json:
    return {"match": [{"vars": {f"{{file.{current}/{STATE}}}": [state.value]}}], "terminal": True}


def _proxied(app: str, current: str, shape: CaddyShape) -> list[Json]:
    proxy = _reverse_proxy(current)
    if shape.access_log is None:
        return [proxy]
    answered = "{http.reverse_proxy.upstream.hostport}"
    return [
        {"handler": "log_append", "key": "app", "value": app},
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


def _held(current: str) -> Json:
    """The slot is read again for each try, and names an instance once one is ready."""
    proxy: Json = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"{{file.{current}/0}}"}],
        "transport": {"protocol": "http", "dial_timeout": 250 * _MILLISECOND},
        "load_balancing": {"try_duration": _HELD_SECONDS * _SECOND, "try_interval": 50 * _MILLISECOND},
        "stream_close_delay": 24 * _HOUR,
    }
    given_up = {"routes": [{"handle": [_page(503, caddy_pages.REPLACING)]}]}
    return {"handler": "subroute", "routes": [{"handle": [proxy]}], "errors": given_up}


def _page(status: int, text: str) -> Json:
    headers = {"Content-Type": ["text/html; charset=utf-8"], "Cache-Control": ["no-store"]}
    return {"handler": "static_response", "status_code": status, "headers": headers, "body": text}


def _maintenance(current: str) -> Json:
    page = _page(503, caddy_pages.MAINTENANCE.replace(caddy_pages.MESSAGE, f"{{file.{current}/{MESSAGE}}}"))
    return {**page, "headers": {**page["headers"], "Retry-After": [str(_BACK_IN_SECONDS)]}}


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
            "roll_gzip": False,  # whoever counts requests may be some files behind
        }
        logs[_ACCESS] = {"writer": writer, "include": [f"http.log.access.{_ACCESS}"]}
    return {"logs": logs}
