"""Finds the way in: through Docker Engine's API, old or new, or straight to a buildkitd."""

import ssl
from pathlib import Path
from typing import Any

import httpx

from slipyard.builder.buildkit.address import Address, parse_address
from slipyard.builder.buildkit.build import BuildKit, Endpoint
from slipyard.builder.buildkit.dial_direct import dial_direct
from slipyard.builder.buildkit.dial_upgraded import dial_upgraded
from slipyard.builder.buildkit.exporters import ImageStore
from slipyard.domain.errors import Unavailable, ValidationFailed

ENGINE_PORT = 2375
BUILDKITD_PORT = 1234
# Engine 29.2: gRPC without an upgrade, and `/grpc` deprecated.
DIRECT_API = (1, 53)
ASK_SECONDS = 10.0


async def engine_builder(docker_host: str) -> BuildKit:
    """The BuildKit inside a Docker Engine at `unix://` or `tcp://`. `Unavailable` where it does not answer."""
    address = parse_address(docker_host, default_port=ENGINE_PORT)
    version, info = await _ask_engine(address)
    direct = _api_version(version) >= DIRECT_API
    return BuildKit(
        Endpoint(
            kind="BuildKit of Docker Engine",
            version=str(version.get("Version", "of unknown version")),
            address=docker_host,
            store=ImageStore.CONTAINERD if _uses_containerd(info) else ImageStore.ENGINE,
            dial=dial_direct(address) if direct else dial_upgraded(address),
        )
    )


def standalone(buildkit_host: str, tls_directory: Path | None = None) -> BuildKit:
    """A buildkitd of its own. `tls_directory` holds `ca.pem`, `cert.pem` and `key.pem`, for `tcp://` only."""
    address = parse_address(buildkit_host, default_port=BUILDKITD_PORT)
    tls = _mutual_tls(tls_directory) if tls_directory and address.path is None else None
    dial = dial_direct(address, tls)
    return BuildKit(Endpoint("buildkitd", "", buildkit_host, ImageStore.REGISTRY, dial))


async def _ask_engine(address: Address) -> tuple[dict[str, Any], dict[str, Any]]:
    transport = httpx.AsyncHTTPTransport(uds=address.path)
    base_url = f"http://{address.host}:{address.port}" if address.path is None else "http://localhost"
    try:
        async with httpx.AsyncClient(transport=transport, base_url=base_url, timeout=ASK_SECONDS) as client:
            version = (await client.get("/version")).raise_for_status()
            info = (await client.get("/info")).raise_for_status()
            return version.json(), info.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(
            f"Docker Engine does not answer at {address.text}: {error or type(error).__name__}. "
            "Check that it runs and that this user may connect to it."
        ) from error


def _api_version(version: dict[str, Any]) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in str(version["ApiVersion"]).split("."))
    except (KeyError, ValueError):
        return (0,)


def _uses_containerd(info: dict[str, Any]) -> bool:
    return ["driver-type", "io.containerd.snapshotter.v1"] in (info.get("DriverStatus") or [])


def _mutual_tls(directory: Path) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
        context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    except OSError as error:
        raise ValidationFailed(
            f"The certificates for buildkitd cannot be read from {directory}: {error}. "
            "SLIPYARD_BUILDKIT_TLS_DIRECTORY must hold ca.pem, cert.pem and key.pem."
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    return context
