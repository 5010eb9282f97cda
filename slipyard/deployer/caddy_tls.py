"""Certificates: made for a name when its first visitor comes, or brought by its owner. Never a reason to load a configuration
for a name more.

Caddy asks whether a name is one of ours, and asks itself: a question to a program of ours would leave visitors outside while that
program is away, also for certificates that are there already.
"""

from slipyard.deployer.caddy_dns import DnsProvider
from slipyard.deployer.caddy_editions import Edition
from slipyard.deployer.caddy_shape import CaddyShape, Json
from slipyard.deployer.certificate_files import name_file

_ASKED = "/.slipyard/certificate"
_LABEL_OFF = {"name": "below", "pattern": r"^[^.]+\.(.+)$"}
_DOMAIN = "{http.request.uri.query.domain}"


def tls_app(edition: Edition, shape: CaddyShape) -> Json:
    app: Json = {}
    wildcards = _wildcards(edition, shape)
    certificates: Json = {"automate": wildcards} if wildcards else {}
    if edition.certificates:
        certificates["load_files"] = [_files(shape, each.partition(" ")[0]) for each in edition.certificates]
    if certificates:
        app["certificates"] = certificates
    if shape.tls in {"internal", "acme"}:
        endpoint = f"http://127.0.0.1:{shape.http_port}{_ASKED}"
        ahead = (
            [{"subjects": wildcards, "issuers": [_by_dns(shape, shape.acme.dns)]}]
            if shape.acme.dns and wildcards
            else []
        )
        app["automation"] = {
            "policies": [*ahead, {"issuers": _issuers(shape), "on_demand": True}],
            "on_demand": {"permission": {"module": "http", "endpoint": endpoint}},
        }
    return app


def _wildcards(edition: Edition, shape: CaddyShape) -> list[str]:
    """One certificate for all names below, asked for beforehand: the only kind that needs no visitor."""
    if shape.tls != "acme" or shape.acme.dns is None:
        return []
    return sorted({routed.host for routed in edition.hosts if routed.is_wildcard})


def _issuers(shape: CaddyShape) -> list[Json]:
    """Tried in turn: names whose zone is elsewhere answer for themselves, those that nobody reaches by a record."""
    if shape.tls == "internal":
        return [{"module": "internal"}]
    return [_acme(shape), *([_by_dns(shape, shape.acme.dns)] if shape.acme.dns else [])]


def permission_route(shape: CaddyShape) -> Json:
    """From this machine alone. A name below a wildcard gets a certificate of its own where ours is the authority; of another
    one a stranger could have us order thousands."""
    match = {"host": ["127.0.0.1"], "path": [_ASKED], "remote_ip": {"ranges": ["127.0.0.1/32"]}}
    routes = [_known(shape, f"/{_DOMAIN}")]
    if shape.tls == "internal":
        below = _known(shape, "/" + name_file("*.{http.regexp.below.1}"))
        routes.append(
            {
                "match": [{"vars_regexp": {_DOMAIN: _LABEL_OFF}}],
                "handle": [{"handler": "subroute", "routes": [below]}],
            }
        )
    routes.append({"handle": [{"handler": "static_response", "status_code": 403}]})
    return {"match": [match], "handle": [{"handler": "subroute", "routes": routes}], "terminal": True}


def _known(shape: CaddyShape, path: str) -> Json:
    match = {"file": {"root": str(shape.names), "try_files": [path]}}
    return {"match": [match], "handle": [{"handler": "static_response", "status_code": 200}], "terminal": True}


def _acme(shape: CaddyShape) -> Json:
    """The ports are those that Caddy listens on; the world reaches them as 80 and 443."""
    challenges = {"http": {"alternate_port": shape.http_port}, "tls-alpn": {"alternate_port": shape.https_port}}
    return _issuer(shape, challenges)


def _by_dns(shape: CaddyShape, provider: DnsProvider) -> Json:
    return _issuer(shape, {"dns": dict(provider.challenge)})


def _issuer(shape: CaddyShape, challenges: Json) -> Json:
    issuer: Json = {"module": "acme", "challenges": challenges}
    if shape.acme.directory is not None:
        issuer["ca"] = shape.acme.directory
    if shape.acme.email is not None:
        issuer["email"] = shape.acme.email
    if shape.acme.roots is not None:
        issuer["trusted_roots_pem_files"] = [str(shape.acme.roots)]
    return issuer


def connection_policies(edition: Edition) -> list[Json]:
    """A host gets the certificate that was brought for it, whatever Caddy made for it before. Names go before wildcards."""
    brought = [each.partition(" ")[::2] for each in edition.certificates]
    brought.sort(key=lambda pair: (pair[1].startswith("*"), pair[1]))
    return [*({"match": {"sni": [host]}, "certificate_selection": {"any_tag": [name]}} for name, host in brought), {}]


def _files(shape: CaddyShape, name: str) -> Json:
    place = shape.certificates / name
    return {"certificate": f"{place}.crt", "key": f"{place}.key", "tags": [name]}
