"""The digest that a tag names now, asked with HEAD: registries that count pulls do not count it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from json import loads
from urllib.parse import urlencode, urlsplit

from slipyard.clients.outside_http import OutsideAnswer, OutsideHttp
from slipyard.clients.registry_access import Challenge, base_url, basic, is_loopback, parse_challenge
from slipyard.clients.registry_manifest import ACCEPTED, known_digest
from slipyard.domain.credentials import Credentials
from slipyard.domain.errors import SourceRefused, Unavailable
from slipyard.domain.image_reference import ImageReference
from slipyard.domain.network_rules import Network

_SECONDS = 15.0
_MAXIMUM_BYTES = 1024 * 1024
_CLOSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


@dataclass(frozen=True)
class _Registry:
    """Somebody's, at an address that is open to us. `login` is for this host and, over https, its token service."""

    host: str
    http: OutsideHttp
    login: Credentials | None = field(default=None, repr=False)


async def tag_digest(
    image: ImageReference, allowed_networks: Sequence[Network] = (), login: Credentials | None = None
) -> str:
    """Never at an address that is closed. `SourceRefused` where the image is not there for whoever asks, `Unavailable`
    where the registry does not answer or has had enough of us for now."""
    registry = _Registry(image.domain, _http(allowed_networks), login)
    path = f"/v2/{image.path}/manifests/{image.digest or image.tag or 'latest'}"
    answer = await _ask(registry, "HEAD", path, {"Accept": ", ".join(ACCEPTED)})
    return _digest_in(image, answer.status, answer.headers, known=login is not None)


async def try_login(host: str, login: Credentials, allowed_networks: Sequence[Network] = ()) -> None:
    """`SourceRefused` where the registry does not take it."""
    answer = await _ask(_Registry(host, _http(allowed_networks), login), "GET", "/v2/", {})
    if answer.status in _REFUSED:
        raise _refused(host)
    if answer.status != HTTPStatus.OK:
        raise Unavailable(f"The registry {host} answered {answer.status}. Check its name, or try again later.")


async def _ask(registry: _Registry, method: str, path: str, headers: Mapping[str, str]) -> OutsideAnswer:
    """Without a secret first: who does not ask for one does not get it."""
    url = f"{base_url(registry.host)}{path}"
    answer = await registry.http.send(method, url, headers)
    if answer.status != HTTPStatus.UNAUTHORIZED:
        return answer
    challenge = parse_challenge(answer.headers.get("www-authenticate", ""))
    return await registry.http.send(method, url, {**headers, "Authorization": await _answered(registry, challenge)})


async def _answered(registry: _Registry, challenge: Challenge) -> str:
    if challenge.scheme == "bearer":
        return f"Bearer {await _token(registry, challenge)}"
    if challenge.scheme == "basic" and registry.login is not None:
        return basic(registry.login)
    raise SourceRefused(
        f"The registry {registry.host} wants a name and a password. Give them with `slipyard registries add {registry.host}`."
    )


async def _token(registry: _Registry, challenge: Challenge) -> str:
    """The token service may be another host, and is judged as every other one."""
    asked = {"service": challenge.service, "scope": challenge.scope}
    query = urlencode({name: value for name, value in asked.items() if value})
    url = f"{challenge.realm}{'&' if '?' in challenge.realm else '?'}{query}"
    answer = await registry.http.send("GET", url, _login_for(registry, challenge.realm))
    if answer.status in _REFUSED and registry.login is not None:
        raise _refused(registry.host)
    if answer.status != HTTPStatus.OK:
        raise Unavailable(f"The token service of {registry.host} answered {answer.status}. It is asked again later.")
    try:
        given = loads(answer.body)
        return str(given.get("token") or given["access_token"])
    except (ValueError, KeyError, AttributeError) as error:
        raise Unavailable(f"The token service of {registry.host} gave no token. It is asked again later.") from error


def _login_for(registry: _Registry, realm: str) -> dict[str, str]:
    """In the clear only between programs of this machine."""
    if registry.login is None:
        return {}
    target = urlsplit(realm)
    if target.scheme != "https" and not (is_loopback(registry.host) and is_loopback(target.hostname or "-")):
        raise SourceRefused(
            f"The registry {registry.host} sends its users to {realm}, which is not https. Use another."
        )
    return {"Authorization": basic(registry.login)}


def _digest_in(image: ImageReference, status: int, headers: Mapping[str, str], *, known: bool) -> str:
    if status == HTTPStatus.OK:
        return known_digest(str(image), headers.get("docker-content-digest", ""))
    if status in _CLOSED:
        whom = "with the login for its registry" if known else "without credentials"
        raise SourceRefused(
            f"There is no image {image}, or it may not be read {whom}. Check its name and tag, or give another login with"
            f" `slipyard registries add {image.domain}`."
        )
    raise Unavailable(f"The registry {image.domain} answered {status} for {image}. It is asked again later.")


def _http(allowed_networks: Sequence[Network]) -> OutsideHttp:
    return OutsideHttp(allowed_networks, seconds=_SECONDS, most_bytes=_MAXIMUM_BYTES)


def _refused(host: str) -> SourceRefused:
    return SourceRefused(
        f"The registry {host} does not take this login. Check the name, the password and their rights."
    )
