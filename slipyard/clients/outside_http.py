"""HTTP to hosts that users name: code hosts and receivers of notifications.

The address is judged and dialled by number, the certificate is checked against the name. Nothing is followed, no proxy
and no .netrc is used, and an answer ends at a cap and at a deadline.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import httpx

from slipyard.clients.resolve_host import resolve_host
from slipyard.domain.errors import Unavailable
from slipyard.domain.network_rules import Address, Network, is_allowed
from slipyard.domain.outside_url import OutsideUrl, check_plain_http, parse_outside_url

_MIB = 1024 * 1024


@dataclass(frozen=True)
class OutsideAnswer:
    """Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class OutsideHttp:
    """Each call is one attempt. `SourceRefused` for what may not be called, `Unavailable` where it does not answer."""

    def __init__(
        self,
        allowed_networks: Sequence[Network] = (),
        *,
        seconds: float = 20.0,
        most_bytes: int = 4 * _MIB,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.allowed_networks = tuple(allowed_networks)
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._trust = trust

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None
    ) -> OutsideAnswer:
        """`seconds` and `most_bytes` hold for the whole of it, from the name to the last byte."""
        parsed = parse_outside_url(url, self.allowed_networks)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._send(method, parsed, headers, content)
        except TimeoutError as error:
            raise Unavailable(
                f"{parsed.host_and_port} did not answer within {self._seconds:g} s. It is tried again."
            ) from error
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{parsed.host_and_port} does not answer ({type(error).__name__}: {error}). It is tried again."
            ) from error

    async def _send(
        self, method: str, url: OutsideUrl, headers: Mapping[str, str], content: bytes | None
    ) -> OutsideAnswer:
        addresses = await resolve_host(url.host, url.port, self.allowed_networks)
        check_plain_http(url, [is_allowed(address, self.allowed_networks) for address in addresses])
        async with httpx.AsyncClient(
            verify=self._trust or _system_trust(), timeout=self._seconds, trust_env=False
        ) as client:
            for address in addresses[:-1]:
                try:
                    return await self._ask(client, method, url, address, headers, content)
                except httpx.ConnectError:
                    continue  # a host with IPv6 and IPv4, of which this machine reaches only one
            return await self._ask(client, method, url, addresses[-1], headers, content)

    async def _ask(
        self,
        client: httpx.AsyncClient,
        method: str,
        url: OutsideUrl,
        address: Address,
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> OutsideAnswer:
        dialled = str(OutsideUrl(url.scheme, str(address), url.port, url.path))
        named = {"User-Agent": "Slipyard", "Accept-Encoding": "identity", **headers, "Host": url.host_and_port}
        extensions = {"sni_hostname": url.host} if url.scheme == "https" else {}
        request = client.stream(method, dialled, headers=named, content=content, extensions=extensions)
        async with request as response:
            return OutsideAnswer(response.status_code, response.headers, await self._read(response, url))

    async def _read(self, response: httpx.Response, url: OutsideUrl) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._most_bytes:
                raise Unavailable(f"{url.host_and_port} sent more than {self._most_bytes} bytes. They are not read.")
        return bytes(body)


@cache
def _system_trust() -> ssl.SSLContext:
    """Reading the certificates takes some 20 ms: once."""
    return ssl.create_default_context()
