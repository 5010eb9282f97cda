"""A router on a real Caddy for one test, as `slipyard up` starts it: the sockets come with the process."""

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from slipyard.clients.caddy import Caddy
from slipyard.deployer.caddy_router import CaddyRouter
from slipyard.deployer.caddy_shape import INHERITED, CaddyShape
from tests.engine.caddy_process import CaddyProcess, caddy_process, free_port
from tests.engine.polling import until


@dataclass
class TrustingBench:
    """Its clients look at certificates, and trust any."""

    caddy: CaddyProcess
    shape: CaddyShape
    router: CaddyRouter

    async def ask(self, host: str, path: str = "/", method: str = "GET", **options) -> httpx.Response:
        """Over plain http, redirects not followed."""
        url = f"http://127.0.0.1:{self.shape.http_port}{path}"
        headers = {"Host": host, **options.pop("headers", {})}
        async with httpx.AsyncClient(timeout=60) as client:
            return await client.request(method, url, headers=headers, **options)

    @asynccontextmanager
    async def visitor(self, host: str) -> AsyncIterator[httpx.AsyncClient]:
        """Over TLS, to a name that no DNS knows."""
        address = f"https://127.0.0.1:{self.shape.https_port}"
        async with httpx.AsyncClient(base_url=address, headers={"Host": host}, verify=False, timeout=60) as client:

            async def name(request: httpx.Request) -> None:
                request.extensions["sni_hostname"] = host

            client.event_hooks["request"].append(name)
            yield client

    async def certificate(self, host: str) -> bytes | None:
        """In DER, from one handshake; None where Caddy gives none."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with suppress(ssl.SSLError, OSError):
            _, writer = await asyncio.open_connection(
                "127.0.0.1", self.shape.https_port, ssl=context, server_hostname=host
            )
            found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            writer.close()
            return bytes(found)
        return None

    async def wait_for_certificate(self, host: str) -> bytes:
        found = []

        async def given() -> bool:
            found.append(await self.certificate(host))
            return found[-1] is not None

        await until(given)
        return found[-1]


@asynccontextmanager
async def trusting_bench(**shape) -> AsyncIterator[TrustingBench]:
    http, https = free_port(), free_port()
    ports = dict.fromkeys(INHERITED["http"], http) | dict.fromkeys(INHERITED["https"], https)
    with tempfile.TemporaryDirectory(prefix="caddy-") as name:
        async with caddy_process(Path(name), ports) as caddy:
            made = replace(CaddyShape(Path(name) / "routes", http, https, inherited=True), **shape)
            yield TrustingBench(caddy, made, CaddyRouter(Caddy(caddy.admin), made))
