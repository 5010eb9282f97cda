"""The rules of a route as Caddy's handlers, in the order in which a request meets them."""

from typing import Any

from slipyard.deployer import caddy_pages
from slipyard.domain.route_rules import Account, HeaderRules, RedirectRule, RouteRules

Json = dict[str, Any]
_REALM = "restricted"


def rule_handlers(rules: RouteRules) -> list[Json]:
    """Whoever may not come in learns nothing, not even where old paths went."""
    first = [_only_from([str(network) for network in rules.allow])] if rules.allow else []
    asked = [_password(rules.basic_auth)] if rules.basic_auth else []
    moved = [_redirect(redirect) for redirect in rules.redirects]
    handlers = [*_headers(rules), *_chained(first), *asked, *_chained(moved)]
    if rules.max_body_bytes is not None:
        handlers.append({"handler": "request_body", "max_size": rules.max_body_bytes})
    return handlers


def path_matcher(path: str) -> Json:
    return {} if path == "/" else {"path": [path, f"{path}/*"]}


def _chained(routes: list[Json]) -> list[Json]:
    return [{"handler": "subroute", "routes": routes}] if routes else []


def _only_from(networks: list[str]) -> Json:
    """A route that answers, in place of the handlers behind it."""
    return {
        "match": [{"not": [{"client_ip": {"ranges": networks}}]}],
        "handle": [caddy_pages.page(403, caddy_pages.FORBIDDEN)],
    }


def _password(accounts: tuple[Account, ...]) -> Json:
    """Without a cache each request would cost the hash's 50 ms and more."""
    known = [{"username": account.username, "password": account.password_hash} for account in accounts]
    basic = {"accounts": known, "hash": {"algorithm": "bcrypt"}, "hash_cache": {}, "realm": _REALM}
    return {"handler": "authentication", "providers": {"http_basic": basic}}


def _redirect(rule: RedirectRule) -> Json:
    """Taking a prefix away also merges slashes, so that nobody is sent to `//elsewhere`."""
    if not rule.source.endswith("/*"):
        query = "" if "?" in rule.to else "{http.request.uri.prefixed_query}"
        return _moved(rule, f"{rule.to}{query}")
    strip = {"handler": "rewrite", "strip_path_prefix": rule.source.removesuffix("/*")}
    return _moved(rule, f"{rule.to.removesuffix('/')}{{http.request.uri}}", strip)


def _moved(rule: RedirectRule, location: str, *before: Json) -> Json:
    answer = {"handler": "static_response", "status_code": rule.status, "headers": {"Location": [location]}}
    return {"match": [{"path": [rule.source]}], "handle": [*before, answer]}


def _headers(rules: RouteRules) -> list[Json]:
    """Those of an answer are changed when it is sent, whoever gives it."""
    handler: Json = {}
    if rules.request_headers != HeaderRules():
        handler["request"] = _changes(rules.request_headers)
    if rules.response_headers != HeaderRules():
        handler["response"] = {**_changes(rules.response_headers), "deferred": True}
    return [{"handler": "headers", **handler}] if handler else []


def _changes(rules: HeaderRules) -> Json:
    return {"set": {name: [value] for name, value in rules.set.items()}, "delete": list(rules.remove)}
