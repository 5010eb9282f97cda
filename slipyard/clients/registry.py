"""The door to an image registry, by the OCI distribution specification (`/v2/`): read a manifest, delete one, knock."""

import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus

import httpx

from slipyard.clients.registry_access import authorization, base_url, parse_challenge
from slipyard.clients.registry_attestations import attestations, children, lists_of_contents
from slipyard.clients.registry_manifest import (
    ACCEPTED,
    Manifest,
    checked_digest,
    config_digest,
    known_digest,
    platform_manifest,
)
from slipyard.clients.registry_tag import tag_digest, try_login
from slipyard.domain.credentials import Credentials
from slipyard.domain.errors import HostUnknown, NotFound, SlipyardError, Unavailable, UserError
from slipyard.domain.image_reference import ImageReference, parse_image_reference
from slipyard.domain.network_rules import Network

_TIMEOUT_SECONDS = 20.0
# The specification asks registries to take manifests of 4 MiB; larger ones are none.
_MAXIMUM_MANIFEST = 4 * 1024 * 1024
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Registry:
    """Each call is one attempt. `Unavailable` where trying again may help, `NotFound` for what is not there, another
    `UserError` for credentials that are missing or refused."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport

    async def manifest(self, reference: str, credentials: Credentials | None = None) -> Manifest:
        """Of an index, `config_digest` is the one of its linux/amd64 image."""
        parsed = parse_image_reference(reference)
        async with self._session(parsed.domain, credentials) as session:
            answer = await session.ask("GET", _manifest_path(parsed, _tag_or_digest(parsed)))
            digest = checked_digest(reference, answer.body, answer.headers.get("docker-content-digest"), parsed.digest)
            media_type, child = platform_manifest(reference, answer.body, answer.headers.get("content-type", ""))
            if child is None:
                return Manifest(digest, config_digest(reference, answer.body), media_type)
            image = await session.ask("GET", _manifest_path(parsed, child))
            checked_digest(reference, image.body, None, child)
            return Manifest(digest, config_digest(reference, image.body), media_type)

    async def tag_digest(
        self, image: ImageReference, allowed_networks: Sequence[Network] = (), login: Credentials | None = None
    ) -> str:
        """The digest that a tag of somebody's registry names now, see registry_tag.py."""
        return await tag_digest(image, allowed_networks, login)

    async def try_login(self, host: str, login: Credentials, allowed_networks: Sequence[Network] = ()) -> None:
        """Whether somebody's registry takes it, see registry_tag.py."""
        await try_login(host, login, allowed_networks)

    async def sboms(self, reference: str, credentials: Credentials | None = None) -> tuple[str, ...]:
        """Digests of the lists of contents that come with the linux/amd64 image of an index; none of a single image."""
        parsed = parse_image_reference(reference)
        async with self._session(parsed.domain, credentials) as session:
            answer = await session.ask("GET", _manifest_path(parsed, _tag_or_digest(parsed)))
            _, image = platform_manifest(reference, answer.body, answer.headers.get("content-type", ""))
            found = attestations(answer.body, image) if image is not None else []
            held = [
                (await session.ask("GET", _manifest_path(parsed, known_digest(reference, each)))).body for each in found
            ]
        return tuple(known_digest(reference, digest) for body in held for digest in lists_of_contents(body))

    async def delete(self, reference: str, credentials: Credentials | None = None) -> None:
        """The manifest, with every tag of its repository that names it, and of an index what it names. Gone already is
        done."""
        parsed = parse_image_reference(reference)
        async with self._session(parsed.domain, credentials) as session:
            with suppress(NotFound):
                digest = parsed.digest or await session.digest_of(reference, parsed)
                answer = await session.ask("GET", _manifest_path(parsed, digest))
                await session.ask("DELETE", _manifest_path(parsed, digest))
                for child in children(answer.body):
                    with suppress(NotFound):
                        await session.ask("DELETE", _manifest_path(parsed, known_digest(reference, child)))

    async def ping(self, host: str, credentials: Credentials | None = None) -> None:
        """Returns where the registry answers and takes these credentials."""
        async with self._session(host, credentials) as session:
            await session.ask("GET", "/v2/")

    @asynccontextmanager
    async def _session(self, host: str, credentials: Credentials | None) -> AsyncIterator["_Session"]:
        """No redirects, no proxies, no .netrc: what was asked is what answers."""
        async with httpx.AsyncClient(
            transport=self._transport, verify=self._trust, timeout=_TIMEOUT_SECONDS, trust_env=False
        ) as client:
            try:
                yield _Session(client, host, credentials)
            except httpx.HTTPError as error:
                raise _away(host, error) from error

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Reading the certificates takes some 20 ms: once."""
        return ssl.create_default_context()


class _Session:
    """One conversation: the answer to a challenge is used for what follows."""

    def __init__(self, client: httpx.AsyncClient, host: str, credentials: Credentials | None) -> None:
        self._client = client
        self._host = host
        self._credentials = credentials
        self._headers = {"Accept": ", ".join(ACCEPTED)}

    async def ask(self, method: str, path: str) -> _Answer:
        answer = await self._send(method, path)
        if answer.status == HTTPStatus.UNAUTHORIZED and "authorization" not in self._headers:
            challenge = parse_challenge(answer.headers.get("www-authenticate", ""))
            value = await authorization(self._client, self._host, challenge, self._credentials)
            self._headers["authorization"] = value
            answer = await self._send(method, path)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise _failure(self._host, method, path, answer.status)
        return answer

    async def digest_of(self, text: str, reference: ImageReference) -> str:
        answer = await self.ask("HEAD", _manifest_path(reference, _tag_or_digest(reference)))
        return known_digest(text, answer.headers.get("docker-content-digest", ""))

    async def _send(self, method: str, path: str) -> _Answer:
        url = f"{base_url(self._host)}{path}"
        async with self._client.stream(method, url, headers=self._headers) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAXIMUM_MANIFEST:
                    raise Unavailable(
                        f"The registry {self._host} sent more than 4 MiB for {path}; that is no manifest."
                    )
            return _Answer(response.status_code, response.headers, bytes(body))


def _away(host: str, error: httpx.HTTPError) -> Unavailable:
    if _no_such_host(error):
        return HostUnknown(
            f"There is no registry {host}: its name cannot be found. Check how it is spelled, "
            "and that this machine's name servers know it."
        )
    return Unavailable(f"The registry {host} does not answer ({type(error).__name__}: {error}). Try again later.")


def _no_such_host(error: BaseException | None) -> bool:
    """Not for a name server that does not answer (EAI_AGAIN, by getaddrinfo(3))."""
    while error is not None:
        if isinstance(error, socket.gaierror):
            return error.errno in {socket.EAI_NONAME, socket.EAI_NODATA}
        error = error.__cause__ or error.__context__
    return False


def _failure(host: str, method: str, path: str, status: int) -> SlipyardError:
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(f"The registry {host} has no {path}. Check the name and the tag.")
    if status in _REFUSED:
        return UserError(
            f"The registry {host} refused {method} {path}: {status}. Check the credentials and their rights."
        )
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return UserError(f"The registry {host} deletes nothing. Turn deletion on in its configuration.")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(f"The registry {host} answered {status} for {path}. Try again later.")
    return UserError(f"The registry {host} answered {status} for {method} {path}. Check its address.")


def _manifest_path(reference: ImageReference, tag_or_digest: str) -> str:
    return f"/v2/{reference.path}/manifests/{tag_or_digest}"


def _tag_or_digest(reference: ImageReference) -> str:
    return reference.digest or reference.tag or "latest"
