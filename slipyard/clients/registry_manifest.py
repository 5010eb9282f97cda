"""What a registry says of an image: OCI image manifests and indexes, and Docker's of version 2."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256, sha512
from typing import Any

from slipyard.domain.errors import NotFound, Unavailable, ValidationFailed

_IMAGES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
ACCEPTED = _IMAGES + _INDEXES
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_HASHES = {"sha256": sha256, "sha512": sha512}


@dataclass(frozen=True)
class Manifest:
    """`digest` is of what the reference names, `config_digest` the engine's image id of the linux/amd64 image there."""

    digest: str
    config_digest: str
    media_type: str


def checked_digest(reference: str, body: bytes, said: str | None, asked: str | None) -> str:
    """The digest of the bytes. A registry, or a proxy before it, that cut or changed them is found out here."""
    wanted = asked or said
    algorithm = (wanted or "sha256:").partition(":")[0]
    digest = f"{algorithm}:{_HASHES.get(algorithm, sha256)(body).hexdigest()}"
    if wanted is not None and digest != wanted:
        raise Unavailable(
            f"The registry sent a manifest of {reference} with the digest {digest} instead of {wanted}: it arrived cut "
            "or changed. Try again."
        )
    return digest


def platform_manifest(reference: str, body: bytes, content_type: str) -> tuple[str, str | None]:
    """The media type, and of an index the digest of its linux/amd64 image."""
    manifest = _parse(reference, body)
    media_type = str(manifest.get("mediaType") or content_type.partition(";")[0].strip())
    if media_type in _IMAGES:
        return media_type, None
    if media_type not in _INDEXES:
        raise ValidationFailed(f"{reference} is a {media_type or 'document of no type'}, not an image. Build it anew.")
    for entry in manifest.get("manifests") or ():
        platform = entry.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == ("linux", "amd64"):
            return media_type, known_digest(reference, str(entry.get("digest")))
    raise NotFound(f"{reference} has no image for linux/amd64. Build one for this platform.")


def known_digest(reference: str, text: str) -> str:
    """It becomes a part of a path: nothing but a digest may."""
    if not _DIGEST.fullmatch(text):
        raise ValidationFailed(
            f"The registry calls {text[:80]!r} a digest of {reference}, and it is none. Build it anew."
        )
    return text


def config_digest(reference: str, body: bytes) -> str:
    config = _parse(reference, body).get("config") or {}
    if "digest" not in config:
        raise ValidationFailed(
            f"The manifest of {reference} names no configuration, so it is not an image. Build it anew."
        )
    return known_digest(reference, str(config["digest"]))


def _parse(reference: str, body: bytes) -> Mapping[str, Any]:
    try:
        manifest = json.loads(body)
    except ValueError as error:
        raise Unavailable(f"The registry sent a manifest of {reference} that is not JSON. Try again.") from error
    if not isinstance(manifest, dict):
        raise Unavailable(f"The registry sent a manifest of {reference} that is no object. Try again.")
    return manifest
