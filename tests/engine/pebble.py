"""A real ACME authority for one test: Pebble, which reaches names by the test's DNS server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.authority import Authority, pem_of
from tests.engine.buildkit.daemons import recipe
from tests.engine.caddy_process import free_port
from tests.engine.polling import until

_HERE = "127.0.0.1"


@dataclass(frozen=True)
class Pebble:
    directory_url: str
    roots: Path  # who vouches for its API
    log: Path


@asynccontextmanager
async def pebble(
    directory: Path, dns_server: str, *, http_port: int | None = None, tls_port: int | None = None
) -> AsyncIterator[Pebble]:
    """It proves names at these ports; one that is None is a port where nobody answers, so that only the other can."""
    listen = f"{_HERE}:{free_port()}"
    _prepare(directory, listen, http_port or free_port(), tls_port or free_port())
    command = [recipe("pebble.sh") / "pebble", "-config", directory / "config.json", "-dnsserver", dns_server]
    environment = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    with (directory / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
    try:
        await until(lambda: _answers(listen))
        yield Pebble(f"https://{listen}/dir", directory / "roots.pem", directory / "log")
    finally:
        process.terminate()
        await process.wait()


async def _answers(listen: str) -> bool:
    host, _, port = listen.partition(":")
    with suppress(OSError):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
        return True
    return False


def _prepare(directory: Path, listen: str, http_port: int, tls_port: int) -> None:
    directory.mkdir()
    authority = Authority()
    signed = authority.sign(_HERE)
    (directory / "chain.pem").write_text(signed.certificate + authority.chain)
    (directory / "key.pem").write_text(signed.key)
    (directory / "roots.pem").write_text(pem_of(authority.root))
    (directory / "config.json").write_text(json.dumps({"pebble": {
        "listenAddress": listen, "managementListenAddress": f"{_HERE}:{free_port()}",
        "certificate": str(directory / "chain.pem"), "privateKey": str(directory / "key.pem"),
        "httpPort": http_port, "tlsPort": tls_port,
        "ocspResponderURL": "", "externalAccountBindingRequired": False,
    }}))  # fmt: skip
