"""Where an image comes from is signed when it is made, and checked whenever a release of it is deployed."""

import base64
import json
from collections.abc import Mapping

from sqlmodel import Session

from slipyard.domain.errors import RolloutFailed
from slipyard.domain.provenance import BUILT, Envelope, Origin, Signature, origin_of, signed_bytes, statement_of
from slipyard.domain.release import ImageIdentity, ReleaseConfig
from slipyard.pipeline.context import Context
from slipyard.store.signer import Signer
from slipyard.store.tables import Build, Release

BESIDE = "images_beside_it"


def sign_origin(signer: Signer, origin: Origin) -> Envelope:
    payload = json.dumps(statement_of(origin), sort_keys=True, separators=(",", ":")).encode()
    signature = Signature(key_id=signer.key_id, value=signer.sign(signed_bytes(payload)))
    return Envelope(payload=base64.b64encode(payload).decode(), signatures=(signature,))


def read_origin(signer: Signer, envelope: Envelope | None) -> Origin | None:
    """None where there is no statement, where it was touched, or where another installation signed it."""
    if envelope is None or not any(_is_ours(signer, envelope, each) for each in envelope.signatures):
        return None
    return origin_of(envelope.statement)


def beside_of(images: Mapping[str, ImageIdentity]) -> tuple[tuple[str, str], ...]:
    """As a statement names them."""
    return tuple(sorted((image.reference, image.image_id) for image in images.values()))


async def check_provenance(context: Context, release_id: str) -> None:
    """`RolloutFailed` where what is to run is not what was built, or nobody can say so."""
    fault = await context.database.reading(lambda session: fault_of_release(session, context.cipher.signer, release_id))
    if fault is not None:
        raise RolloutFailed(
            f"{fault} It is not deployed, since nobody can say what would run. Deploy its commit again, which makes a new "
            "release, and find out who changed this one."
        )


def fault_of_release(session: Session, signer: Signer, release_id: str) -> str | None:
    """A sentence; None where statement, release and build agree."""
    release = session.get_one(Release, release_id)
    name = f"Release {release.number}"
    if release.provenance is None:
        return f"{name} has no statement of where its image comes from."
    origin = read_origin(signer, release.provenance)
    if origin is None:
        return f"The statement of where the image of {name[0].lower()}{name[1:]} comes from was changed after it was signed."
    of_release, of_build = _said_by_release(release, origin), _said_by_build(session, release)
    differs = _difference(name, origin, of_release) or _difference(name, origin, of_build)
    return differs or _unsigned_service(name, origin, release.config)


def _is_ours(signer: Signer, envelope: Envelope, signature: Signature) -> bool:
    try:
        payload = base64.b64decode(envelope.payload, validate=True)
    except ValueError:
        return False
    return signature.key_id == signer.key_id and signer.is_signed(signed_bytes(payload), signature.value)


def _difference(name: str, origin: Origin, said: dict[str, tuple[str, str | None]]) -> str | None:
    """`said`: by the field of the origin, who says what."""
    for key, (who, value) in said.items():
        signed = _text(origin.beside) if key == BESIDE else getattr(origin, key)
        if signed != value:
            what = key.replace("_", " ")
            return f"{name} was signed with the {what} {signed or 'none'}, and {who} has {value or 'none'}."
    return None


def _unsigned_service(name: str, origin: Origin, config: ReleaseConfig) -> str | None:
    """What a service runs was built beside the app's own image, or was pulled from a registry, or is the app's own."""
    signed = dict(origin.beside)
    for service in config.services:
        image = service.image
        if image is not None and not service.foreign and signed.get(image.reference) != image.image_id:
            known = signed.get(image.reference) or "no image of that name"
            return f"{name} was signed with {known}, and its service {service.name} has {image.image_id}."
    return None


def _said_by_release(release: Release, origin: Origin) -> dict[str, tuple[str, str | None]]:
    config = release.config
    common = {
        BESIDE: ("the release", _text(beside_of(config.origin.images))),
        "image_id": ("the release", config.image.image_id),
        "commit": ("the release", config.commit),
        "build_id": ("the release", release.build_id),
    }
    if origin.kind != BUILT:
        return common | {"manifest_digest": ("the release", config.image.manifest_digest)}
    return common | {
        "snapshot_digest": ("the release", config.snapshot_digest),
        "plan_key": ("the release", config.origin.plan_key),
    }


def _said_by_build(session: Session, release: Release) -> dict[str, tuple[str, str | None]]:
    if release.build_id is None:
        return {}
    build = session.get(Build, release.build_id)
    who = "its build" if build is None else f"build {build.number}"
    names = ("image_id", "commit", "snapshot_digest", "plan_key")
    said = {name: (who, getattr(build, name, None)) for name in names}
    return said | {BESIDE: (who, None if build is None else _text(beside_of(build.images)))}


def _text(beside: tuple[tuple[str, str], ...]) -> str | None:
    return ", ".join(f"{reference} {image_id}" for reference, image_id in beside) or None
