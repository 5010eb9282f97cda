"""Where the built image goes, and which digests the daemon's answer holds. All pure."""

import ipaddress
from collections.abc import Mapping
from enum import Enum

from slipyard.builder.buildkit.protocol.control_pb2 import Exporter
from slipyard.builder.image_build import BuiltImage, ImageBuild
from slipyard.domain.errors import Unavailable


class ImageStore(Enum):
    """Who keeps the image."""

    ENGINE = "Docker Engine's own image store"  # cannot push: the engine's API does that later
    CONTAINERD = "the containerd image store of Docker Engine"  # pushes where it is asked to
    REGISTRY = "a registry"  # a standalone buildkitd keeps nothing that could be run, so it always pushes


def exporter_for(build: ImageBuild, store: ImageStore) -> Exporter:
    if store is ImageStore.ENGINE:
        return Exporter(Type="moby", Attrs={"name": build.reference})
    kind = "moby" if store is ImageStore.CONTAINERD else "image"
    pushing = _push_attributes(build.reference) if pushes(build, store) else {}
    return Exporter(Type=kind, Attrs={"name": build.reference, **pushing})


def pushes(build: ImageBuild, store: ImageStore) -> bool:
    return store is ImageStore.REGISTRY or (store is ImageStore.CONTAINERD and build.push)


def built_image(response: Mapping[str, str], build: ImageBuild, store: ImageStore) -> BuiltImage:
    """`containerimage.digest` is the manifest's digest, but the image id with the engine's own store."""
    digest = response.get("containerimage.digest")
    image_id = response.get("containerimage.config.digest") or (digest if store is ImageStore.ENGINE else None)
    pushed = pushes(build, store)
    in_index = build.sbom_generator is not None and pushed
    if (not image_id and not in_index) or (pushed and not digest):
        raise Unavailable(
            f"BuildKit reported success and no digest of {build.reference}. Build again; if it happens again, "
            "the builder's version is not supported."
        )
    return BuiltImage(image_id=image_id, manifest_digest=digest if pushed else None)


def is_loopback(host: str) -> bool:
    """Of a registry's `host[:port]`; Docker trusts these over plain http, and so does this builder."""
    name = host.rsplit(":", 1)[0] if host.count(":") == 1 else host.partition("]")[0]
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _push_attributes(reference: str) -> dict[str, str]:
    insecure = {"registry.insecure": "true"} if is_loopback(reference.partition("/")[0]) else {}
    return {"push": "true", "oci-mediatypes": "true", **insecure}
