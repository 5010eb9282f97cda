"""A request for an app that sleeps, as Caddy's handlers: it asks the waker first, and goes on to the app once that says so.

The waker is asked by a request without a body, so the visitor's own, of whatever size, waits where it is and is streamed to
the app afterwards. While nobody listens at the waker's socket, it is tried again.
"""

from collections.abc import Sequence

from slipyard.deployer import caddy_pages
from slipyard.deployer.caddy_pages import page
from slipyard.deployer.caddy_shape import CaddyShape, Json

_MILLISECOND = 1_000_000  # Caddy's durations are nanoseconds
_SECOND = 1000 * _MILLISECOND
_TRY_SECONDS = 60
_AGAIN_SECONDS = 5
_WOKEN = "slipyard_woken"  # what fails afterwards is the app's own failure


def woken(app: str, shape: CaddyShape, proxied: Sequence[Json]) -> Json:
    """`app` is its id, or where Caddy reads it; `proxied` are the handlers of an app that is awake."""
    not_woken = {"match": [{"not": [{"vars": {_WOKEN: ["yes"]}}]}], "handle": [_still_waking()], "terminal": True}
    otherwise = {"handle": [{"handler": "error", "status_code": "{http.error.status_code}"}]}
    routes = [{"handle": [_ask(app, shape), *proxied]}]
    return {"handler": "subroute", "routes": routes, "errors": {"routes": [not_woken, otherwise]}}


def _ask(app: str, shape: CaddyShape) -> Json:
    """Without kept connections: up to Caddy 2.11.4 one that was kept may give its answer to another request."""
    go_on = {"match": {"status_code": [2]}, "routes": [{"handle": [{"handler": "vars", _WOKEN: "yes"}]}]}
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"unix/{shape.waker}"}],
        "rewrite": {"method": "GET", "uri": f"/wake/{app}"},
        "headers": {"request": {"delete": ["Connection", "Upgrade"]}},
        "transport": {"protocol": "http", "keep_alive": {"enabled": False}},
        "load_balancing": {"try_duration": _TRY_SECONDS * _SECOND, "try_interval": 50 * _MILLISECOND},
        "handle_response": [go_on],
    }


def _still_waking() -> Json:
    shown = page(503, caddy_pages.WAKING)
    return {**shown, "headers": {**shown["headers"], "Retry-After": [str(_AGAIN_SECONDS)]}}
