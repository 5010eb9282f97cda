"""Which host leads to which app, as Caddy's routes. They name files, never an address of an instance."""

from pathlib import Path

from slipyard.deployer import caddy_pages
from slipyard.deployer.caddy_editions import SPARE_APP, SPARE_HOST, SPARE_ROUTE, Edition
from slipyard.deployer.caddy_pages import page
from slipyard.deployer.caddy_rules import path_matcher, rule_handlers
from slipyard.deployer.caddy_shape import CaddyShape, Json
from slipyard.deployer.caddy_waking import woken
from slipyard.deployer.route_files import MESSAGE, STATE
from slipyard.deployer.router import SLOTS, RoutedHost, RouteState
from slipyard.deployer.routes import CURRENT
from slipyard.domain.route_rules import RouteRules, Timeouts

_MILLISECOND = 1_000_000  # Caddy's durations are nanoseconds
_SECOND = 1000 * _MILLISECOND
_HOUR = 3600 * _SECOND
_TRY_SECONDS = 5
_HELD_SECONDS = 30
_BACK_IN_SECONDS = 30


def host_routes(edition: Edition, shape: CaddyShape) -> list[Json]:
    """Wildcards come last: a name that came later, into a spare, goes before them."""
    names = [_printed_route(routed, edition, shape) for routed in edition.hosts if not routed.is_wildcard]
    spares = [_spare_route(directory, shape) for directory in edition.spares]
    wildcards = [_printed_route(routed, edition, shape) for routed in edition.hosts if routed.is_wildcard]
    return [*names, *spares, *wildcards, {"handle": [page(404, caddy_pages.NO_APP)]}]


def _printed_route(routed: RoutedHost, edition: Edition, shape: CaddyShape) -> Json:
    """The file is asked behind the host's match: matchers side by side come in any order, and hosts are many."""
    still = {"vars": {f"{{file.{edition.owner_file(routed)}}}": [routed.app_id]}}
    owned = {"match": [still], "handle": _answered(routed, shape), "terminal": True}
    match = {"host": [routed.host], **path_matcher(routed.path)}
    return {"match": [match], "handle": [{"handler": "subroute", "routes": [owned]}]}


def _answered(routed: RoutedHost, shape: CaddyShape) -> list[Json]:
    if routed.redirect_to:
        location = shape.address_of(routed.redirect_to) + "{http.request.uri}"
        headers = {"Location": [location]}
        return [{"handler": "static_response", "status_code": routed.redirect_status, "headers": headers}]
    rules = RouteRules.model_validate_json(routed.rules) if routed.rules else RouteRules()
    strip = [{"handler": "rewrite", "strip_path_prefix": routed.path}] if routed.strip_prefix else []
    states = _states(f"{shape.routes}/{routed.app_id}", routed.app_id, shape, rules.timeouts)
    return [*rule_handlers(rules), *strip, *states]


def _spare_route(directory: Path, shape: CaddyShape) -> Json:
    host, app = f"{{file.{directory}/{SPARE_HOST}}}", f"{{file.{directory}/{SPARE_APP}}}"
    return {"match": [{"host": [host]}], "handle": _states(f"{directory}/{SPARE_ROUTE}", app, shape), "terminal": True}


def _states(route: str, app: str, shape: CaddyShape, timeouts: Timeouts | None = None) -> list[Json]:
    current = f"{route}/{CURRENT}"
    proxied = _proxied(app, current, shape, timeouts or Timeouts())
    states = [
        {**_when(current, RouteState.AWAKE), "handle": proxied},
        {**_when(current, RouteState.ASLEEP), "handle": [woken(app, shape, proxied)]},
        {**_when(current, RouteState.REPLACING), "handle": [_held(current)]},
        {**_when(current, RouteState.STOPPED), "handle": [page(503, caddy_pages.STOPPED)]},
        {**_when(current, RouteState.MAINTENANCE), "handle": [_maintenance(current)]},
        {"handle": [page(503, caddy_pages.NOT_DEPLOYED)]},
    ]
    return [{"handler": "subroute", "routes": states}]


def _when(current: str, state: RouteState) -> Json:
    return {"match": [{"vars": {f"{{file.{current}/{STATE}}}": [state.value]}}], "terminal": True}


def _proxied(app: str, current: str, shape: CaddyShape, timeouts: Timeouts) -> list[Json]:
    proxy = _reverse_proxy(current, timeouts)
    if shape.access_log is None:
        return [proxy]
    answered = "{http.reverse_proxy.upstream.hostport}"
    return [
        {"handler": "log_append", "key": "app", "value": app},
        {"handler": "log_append", "key": "upstream", "value": answered},
        proxy,
    ]


def _reverse_proxy(current: str, timeouts: Timeouts) -> Json:
    """No health checks: with addresses from files their verdict would stick to the slot, and outlive the address in it."""
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"{{file.{current}/{slot}}}"} for slot in range(SLOTS)],
        "transport": {"protocol": "http", "dial_timeout": 250 * _MILLISECOND, **_patience(timeouts)},
        "load_balancing": {
            "selection_policy": {"policy": "round_robin"},
            "try_duration": _try_duration(timeouts),
            "try_interval": 20 * _MILLISECOND,
        },
        "stream_close_delay": 24 * _HOUR,
    }


def _patience(timeouts: Timeouts) -> Json:
    given = {"response_header_timeout": timeouts.answer_seconds, "read_timeout": timeouts.silence_seconds}
    return {name: int(seconds * _SECOND) for name, seconds in given.items() if seconds is not None}


def _try_duration(timeouts: Timeouts) -> int:
    """Whoever waited for an answer in vain is not sent to another instance as well."""
    waits = [seconds for seconds in (timeouts.answer_seconds, timeouts.silence_seconds) if seconds is not None]
    return int(min([_TRY_SECONDS, *waits]) * _SECOND)


def _held(current: str) -> Json:
    """The slot is read again for each try, and names an instance once one is ready."""
    proxy: Json = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"{{file.{current}/0}}"}],
        "transport": {"protocol": "http", "dial_timeout": 250 * _MILLISECOND},
        "load_balancing": {"try_duration": _HELD_SECONDS * _SECOND, "try_interval": 50 * _MILLISECOND},
        "stream_close_delay": 24 * _HOUR,
    }
    given_up = {"routes": [{"handle": [page(503, caddy_pages.REPLACING)]}]}
    return {"handler": "subroute", "routes": [{"handle": [proxy]}], "errors": given_up}


def _maintenance(current: str) -> Json:
    shown = page(503, caddy_pages.MAINTENANCE.replace(caddy_pages.MESSAGE, f"{{file.{current}/{MESSAGE}}}"))
    return {**shown, "headers": {**shown["headers"], "Retry-After": [str(_BACK_IN_SECONDS)]}}
