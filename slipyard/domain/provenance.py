"""Where an image comes from, as a statement that others can read too: in-toto's Statement v1 with SLSA's provenance v1.

It travels in a DSSE envelope (Dead Simple Signing Envelope v1), signed with the installation's own key. Its subject is
the digest of the image's config: that is known at build, on every image store, and names all layers and settings.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipyard.domain.values import Value

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILT, PULLED = "urn:slipyard:build:1", "urn:slipyard:pull:1"


class Signature(Value):
    key_id: str
    value: str


class Envelope(Value):
    """`payload` and each signature's `value` are base64, as in DSSE."""

    payload: str
    signatures: tuple[Signature, ...]

    @property
    def statement(self) -> dict[str, Any]:
        """Empty where it is none."""
        try:
            found = json.loads(base64.b64decode(self.payload, validate=True))
        except (ValueError, binascii.Error):
            return {}
        return found if isinstance(found, dict) else {}

    def dsse(self) -> dict[str, Any]:
        """As tools that know DSSE want it."""
        signatures = [{"keyid": each.key_id, "sig": each.value} for each in self.signatures]
        return {"payloadType": PAYLOAD_TYPE, "payload": self.payload, "signatures": signatures}


@dataclass(frozen=True)
class Origin:
    """What a statement says. `kind` BUILT: of a source, by `builder`; PULLED: found under `reference`."""

    kind: str
    image_id: str
    reference: str
    app: str = ""
    manifest_digest: str | None = None
    build_id: str | None = None
    commit: str | None = None
    repository: str | None = None
    snapshot_digest: str | None = None
    plan_key: str | None = None
    builder: str | None = None
    reused_from: str | None = None  # the build that made the image, where this one found its tree and plan unchanged
    sbom: tuple[str, ...] = ()  # digests of what the frontend said is in the image
    beside: tuple[tuple[str, str], ...] = ()  # reference and image id of what the same build made beside it
    started_at: datetime | None = None
    finished_at: datetime | None = None


def statement_of(origin: Origin) -> dict[str, Any]:
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": _name(reference), "digest": _digest(image_id)}
            for reference, image_id in ((origin.reference, origin.image_id), *origin.beside)
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"buildDefinition": _definition(origin), "runDetails": _run(origin)},
    }


def origin_of(statement: dict[str, Any]) -> Origin | None:
    """None where it is no statement of ours."""
    try:
        definition, run = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
        outside, inside, metadata = definition["externalParameters"], definition["internalParameters"], run["metadata"]
        subject, *beside = statement["subject"]
        return Origin(
            kind=definition["buildType"],
            image_id=f"sha256:{subject['digest']['sha256']}",
            reference=outside["reference"],
            app=outside["app"],
            manifest_digest=inside["manifest"],
            build_id=metadata["invocationId"],
            commit=outside["commit"],
            repository=outside["repository"],
            snapshot_digest=inside["snapshot"],
            plan_key=inside["plan"],
            builder=run["builder"]["id"],
            reused_from=inside["reusedFrom"],
            sbom=tuple(f"sha256:{each['digest']['sha256']}" for each in run["byproducts"]),
            beside=tuple((each["name"], f"sha256:{each['digest']['sha256']}") for each in beside),
            started_at=_time(metadata["startedOn"]),
            finished_at=_time(metadata["finishedOn"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def signed_bytes(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _definition(origin: Origin) -> dict[str, Any]:
    return {
        "buildType": origin.kind,
        "externalParameters": {
            "app": origin.app,
            "reference": origin.reference,
            "repository": origin.repository,
            "commit": origin.commit,
        },
        "internalParameters": {
            "snapshot": origin.snapshot_digest,
            "plan": origin.plan_key,
            "manifest": origin.manifest_digest,
            "reusedFrom": origin.reused_from,
        },
        "resolvedDependencies": _dependencies(origin),
    }


def _dependencies(origin: Origin) -> list[dict[str, Any]]:
    commit = {"gitCommit": origin.commit} if origin.commit else None
    found = (
        (f"git+{origin.repository}" if origin.repository else "git", commit),
        ("snapshot", _digest(origin.snapshot_digest) if origin.snapshot_digest else None),
        (origin.reference, _digest(origin.manifest_digest) if origin.manifest_digest else None),
    )
    return [{"uri": uri, "digest": digest} for uri, digest in found if digest]


def _run(origin: Origin) -> dict[str, Any]:
    return {
        "builder": {"id": origin.builder},
        "metadata": {
            "invocationId": origin.build_id,
            "startedOn": _text(origin.started_at),
            "finishedOn": _text(origin.finished_at),
        },
        "byproducts": [{"name": "sbom", "digest": _digest(each)} for each in origin.sbom],
    }


def _name(reference: str) -> str:
    return reference.partition("@")[0]


def _digest(text: str) -> dict[str, str]:
    algorithm, _, value = text.rpartition(":")
    return {algorithm or "sha256": value}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
