"""A registry without a password on loopback, where images lie that were built elsewhere."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.engine.caddy_process import free_port
from tests.engine.waiting import wait_until


@contextmanager
def open_registry(directory: Path) -> Iterator[str]:
    """Its `host:port`."""
    address = f"127.0.0.1:{free_port()}"
    configuration = directory / "registry.yml"
    configuration.write_text(
        f'version: 0.1\nstorage: {{filesystem: {{rootdirectory: {directory}/images}}}}\nhttp: {{addr: "{address}"}}\n'
    )
    with (directory / "registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(configuration)], stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers(address))
        yield address
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/v2/").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
