"""What an index says beside its images: the manifests that it has, and the lists of contents (SBOM) among them.

BuildKit keeps attestations in an index, as manifests of a platform `unknown` that name the image they are of; see its
`docs/attestations/attestation-storage.md`. All pure.
"""

import json
from typing import Any

_OF_IMAGE = "vnd.docker.reference.digest"
_PREDICATE = "in-toto.io/predicate-type"
_CONTENTS = ("https://spdx.dev/", "https://cyclonedx.org/")


def children(index: bytes) -> list[str]:
    """Digests of the manifests of an index; none of an image."""
    return [str(entry["digest"]) for entry in _entries(index) if "digest" in entry]


def attestations(index: bytes, image: str) -> list[str]:
    """Digests of the manifests that attest something of the manifest `image`."""
    wanted = [entry for entry in _entries(index) if (entry.get("annotations") or {}).get(_OF_IMAGE) == image]
    return [str(entry["digest"]) for entry in wanted if "digest" in entry]


def lists_of_contents(attestation: bytes) -> list[str]:
    """Digests of the SBOMs that an attestation manifest holds."""
    layers = _document(attestation).get("layers") or ()
    return [str(layer["digest"]) for layer in layers if _is_list(layer)]


def _is_list(layer: dict[str, Any]) -> bool:
    return str((layer.get("annotations") or {}).get(_PREDICATE, "")).startswith(_CONTENTS) and "digest" in layer


def _entries(index: bytes) -> list[dict[str, Any]]:
    return [entry for entry in _document(index).get("manifests") or () if isinstance(entry, dict)]


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
