"""Caddy's whole configuration as a value."""

from slipyard.deployer.caddy_editions import Edition
from slipyard.deployer.caddy_hosts import host_routes
from slipyard.deployer.caddy_shape import INHERITED, CaddyShape, Json, Scheme
from slipyard.deployer.caddy_tls import connection_policies, permission_route, tls_app

LEAVING_MILLISECONDS = 250
_MILLISECOND = 1_000_000  # Caddy's durations are nanoseconds
_SERVED, _ACCESS = "apps", "access"
# Whoever may have a certificate is decided in `caddy_tls.py`, and where http leads here.
_BY_US = {"automatic_https": {"disable": True}}


def caddy_config(edition: Edition, shape: CaddyShape) -> Json:
    """Without `admin`: where Caddy takes orders is decided by whoever starts it."""
    http: Json = {"http_port": shape.http_port, "https_port": shape.https_port, "servers": _servers(edition, shape)}
    if shape.inherited:
        http["shutdown_delay"] = LEAVING_MILLISECONDS * _MILLISECOND
    apps: Json = {"http": http}
    if shape.tls == "internal":
        # Into no trust store: the machine's is not ours to change.
        apps["pki"] = {"certificate_authorities": {"local": {"install_trust": False}}}
    if shape.tls != "off":
        apps["tls"] = tls_app(edition, shape)
    return {"logging": _logging(shape), "apps": apps}


def _servers(edition: Edition, shape: CaddyShape) -> Json:
    served: Json = {"routes": [_leaving(), *host_routes(edition, shape)], **_BY_US}
    if shape.access_log is not None:
        served["logs"] = {"default_logger_name": _ACCESS}
    if shape.tls == "off":
        return {_SERVED: {**served, **_listen(edition, shape, "http")}}
    routes = [_leaving(), permission_route(shape), {"handle": [_to_https(shape)]}]
    return {
        _SERVED: {**served, **_listen(edition, shape, "https")},
        "to_https": {**_listen(edition, shape, "http"), "routes": routes, **_BY_US},
    }


def _listen(edition: Edition, shape: CaddyShape, scheme: Scheme) -> Json:
    """Each edition takes the other number of the same socket: only where an address goes away does Caddy keep to
    `shutdown_delay`, in which the connections of the edition before are told to close."""
    port = shape.http_port if scheme == "http" else shape.https_port
    listen: Json = {"listen": [f"fd/{INHERITED[scheme][edition.number % 2]}" if shape.inherited else f":{port}"]}
    if scheme == "https":
        # Caddy would know https by the port, or by the hosts that it makes certificates for.
        listen["tls_connection_policies"] = connection_policies(edition)
    if scheme == "https" and shape.inherited:
        listen["protocols"] = ["h1", "h2"]  # HTTP/3 needs a socket of its own
    return listen


def _leaving() -> Json:
    """A client that is told to close asks over a new connection; one that finds it closed loses its request."""
    ordinary = {"vars": {"{http.shutting_down}": ["true"]}, "not": [{"header": {"Upgrade": ["*"]}}]}
    return {"match": [ordinary], "handle": [{"handler": "headers", "response": {"set": {"Connection": ["close"]}}}]}


def _to_https(shape: CaddyShape) -> Json:
    location = shape.address_of("{http.request.host}") + "{http.request.uri}"
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
