"""The digest that a tag names now, asked with HEAD: registries that count pulls do not count it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from json import loads
from urllib.parse import urlencode

from slipyard.clients.outside_http import OutsideHttp
from slipyard.clients.registry_access import Challenge, base_url, parse_challenge
from slipyard.clients.registry_manifest import ACCEPTED, known_digest
from slipyard.domain.errors import SourceRefused, Unavailable
from slipyard.domain.image_reference import ImageReference
from slipyard.domain.network_rules import Network

_SECONDS = 15.0
_MAXIMUM_BYTES = 1024 * 1024
_CLOSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


async def tag_digest(image: ImageReference, allowed_networks: Sequence[Network] = ()) -> str:
    """Without credentials, and never at an address that is closed. `SourceRefused` where the image is not there for
    everybody, `Unavailable` where the registry does not answer or has had enough of us for now."""
    http = OutsideHttp(allowed_networks, seconds=_SECONDS, most_bytes=_MAXIMUM_BYTES)
    url = f"{base_url(image.domain)}/v2/{image.path}/manifests/{image.digest or image.tag or 'latest'}"
    headers = {"Accept": ", ".join(ACCEPTED)}
    answer = await http.send("HEAD", url, headers)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        challenge = parse_challenge(answer.headers.get("www-authenticate", ""))
        headers["Authorization"] = f"Bearer {await _token(http, image, challenge)}"
        answer = await http.send("HEAD", url, headers)
    return _digest_in(image, answer.status, answer.headers)


def _digest_in(image: ImageReference, status: int, headers: Mapping[str, str]) -> str:
    if status == HTTPStatus.OK:
        return known_digest(str(image), headers.get("docker-content-digest", ""))
    if status in _CLOSED:
        raise SourceRefused(
            f"There is no image {image}, or it may not be read without credentials. Check its name and tag."
        )
    raise Unavailable(f"The registry {image.domain} answered {status} for {image}. It is asked again later.")


async def _token(http: OutsideHttp, image: ImageReference, challenge: Challenge) -> str:
    """The token service may be another host, and is judged as every other one."""
    if challenge.scheme != "bearer":
        raise SourceRefused(f"{image} may not be read without credentials. Check its name.")
    asked = {"service": challenge.service, "scope": challenge.scope}
    query = urlencode({name: value for name, value in asked.items() if value})
    answer = await http.send("GET", f"{challenge.realm}{'&' if '?' in challenge.realm else '?'}{query}", {})
    if answer.status != HTTPStatus.OK:
        raise Unavailable(f"The token service of {image.domain} answered {answer.status}. It is asked again later.")
    try:
        given = loads(answer.body)
        return str(given.get("token") or given["access_token"])
    except (ValueError, KeyError, AttributeError) as error:
        raise Unavailable(f"The token service of {image.domain} gave no token. It is asked again later.") from error
