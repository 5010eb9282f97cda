"""How a registry wants to be asked: the challenge in its 401, and the header that answers it.

The challenges are RFC 7617 (Basic) and the token protocol of the distribution project (Bearer).
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address

import httpx

from slipyard.domain.credentials import Credentials
from slipyard.domain.errors import Unavailable, UserError

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Challenge:
    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def parse_challenge(header: str) -> Challenge:
    scheme, _, rest = header.partition(" ")
    given = dict(_PARAMETER.findall(rest))
    return Challenge(scheme.lower(), given.get("realm", ""), given.get("service", ""), given.get("scope", ""))


def base_url(host: str) -> str:
    """Plain http is spoken with this machine only, as Docker Engine does."""
    return (
        f"http://{host}" if is_loopback(host) else f"https://{'registry-1.docker.io' if host == 'docker.io' else host}"
    )


def is_loopback(host: str) -> bool:
    name = httpx.URL(f"http://{host}").host
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


async def authorization(
    client: httpx.AsyncClient, host: str, challenge: Challenge, credentials: Credentials | None
) -> str:
    """The value of `Authorization`. A registry may name a token service elsewhere: it gets the credentials over https."""
    if challenge.scheme == "bearer":
        return f"Bearer {await _token(client, host, challenge, credentials)}"
    if credentials is None:
        raise UserError(f"The registry {host} asks for a name and a password. Set them for this registry.")
    if challenge.scheme != "basic":
        raise UserError(
            f"The registry {host} asks for {challenge.scheme!r}, which Slipyard does not speak. Use another."
        )
    return basic(credentials)


async def _token(client: httpx.AsyncClient, host: str, challenge: Challenge, credentials: Credentials | None) -> str:
    realm = httpx.URL(challenge.realm)
    if realm.scheme != "https" and not (is_loopback(host) and realm.host and is_loopback(realm.host)):
        raise UserError(f"The registry {host} sends its users to {challenge.realm}, which is not https. Use another.")
    asked = {"service": challenge.service, "scope": challenge.scope}
    headers = {"Authorization": basic(credentials)} if credentials else {}
    answer = await client.get(realm, params={name: value for name, value in asked.items() if value}, headers=headers)
    if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise UserError(
            f"The registry {host} refused these credentials. Check the name, the password and their rights."
        )
    if answer.status_code != HTTPStatus.OK:
        raise Unavailable(f"The token service of the registry {host} answered {answer.status_code}. Try again later.")
    return _read_token(host, answer)


def _read_token(host: str, answer: httpx.Response) -> str:
    try:
        given = answer.json()
        return str(given.get("token") or given["access_token"])
    except (ValueError, KeyError, AttributeError) as error:
        raise Unavailable(f"The token service of the registry {host} gave no token. Try again later.") from error


def basic(credentials: Credentials) -> str:
    """The value of `Authorization` for a name and a password."""
    pair = f"{credentials.username}:{credentials.password}".encode()
    return f"Basic {b64encode(pair).decode()}"
