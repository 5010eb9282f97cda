"""What is inside a built image, read from where its builder left it: an engine or a registry."""

import gzip
import io
import json
import tarfile
import urllib.request
from dataclasses import dataclass
from typing import Any

import docker

from slipyard.builder.buildkit.exporters import ImageStore
from tests.engine.buildkit.builds import Builds


@dataclass(frozen=True)
class Contents:
    config: dict[str, Any]
    layers: list[bytes]  # uncompressed tars

    @property
    def files(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for layer in self.layers:
            with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
                found |= {m.name: (archive.extractfile(m) or io.BytesIO()).read() for m in archive if m.isfile()}
        return found

    @property
    def everything(self) -> bytes:
        return json.dumps(self.config).encode() + b"".join(self.layers)


def contents(builds: Builds) -> Contents:
    endpoint = builds.builder._endpoint
    in_registry = endpoint.store is ImageStore.REGISTRY
    return _from_registry(builds.reference) if in_registry else _from_engine(endpoint.address, builds.reference)


def manifest(reference: str) -> tuple[dict[str, Any], str]:
    """The manifest in the registry, and its digest as the registry says it."""
    host, _, rest = reference.partition("/")
    repository, _, tag = rest.rpartition(":")
    request = urllib.request.Request(
        f"http://{host}/v2/{repository}/manifests/{tag}",
        headers={"Accept": "application/vnd.oci.image.manifest.v1+json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer), answer.headers["Docker-Content-Digest"]


def _from_registry(reference: str) -> Contents:
    host, _, rest = reference.partition("/")
    blobs = f"http://{host}/v2/{rest.rpartition(':')[0]}/blobs/"
    found, _ = manifest(reference)

    def blob(descriptor: dict[str, Any]) -> bytes:
        with urllib.request.urlopen(blobs + descriptor["digest"], timeout=10) as answer:
            return bytes(answer.read())

    return Contents(json.loads(blob(found["config"])), [_plain(blob(layer)) for layer in found["layers"]])


def _from_engine(address: str, reference: str) -> Contents:
    client = docker.DockerClient(base_url=address, version="auto")
    try:
        saved = b"".join(client.images.get(reference).save())
    finally:
        client.close()
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:

        def member(name: str) -> bytes:
            file = archive.extractfile(name)
            assert file is not None
            return file.read()

        index = json.loads(member("manifest.json"))[0]
        return Contents(json.loads(member(index["Config"])), [_plain(member(name)) for name in index["Layers"]])


def _plain(layer: bytes) -> bytes:
    return gzip.decompress(layer) if layer.startswith(b"\x1f\x8b") else layer
