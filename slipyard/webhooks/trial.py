"""A delivery that says nothing, made and signed as its provider would: whether one gets through, without deploying.

Where a provider has no ping, an event is sent that it does not have; where it names none, the end of a ref or an image
that nobody has.
"""

import base64
import hashlib
import hmac
import json
from typing import Any

from slipyard.domain.announcement import Announcement, Kind
from slipyard.domain.hook import HookSettings
from slipyard.webhooks.proof import PATH_SECRET, SIGNING_KEY, Basic, Proof, Signature, StandardSignature
from slipyard.webhooks.provider import Place, Provider

TRIAL_REF, TRIAL_IMAGE = "refs/slipyard/trial", "slipyard.invalid/trial"
_TRIAL_IMAGES = {TRIAL_IMAGE, "docker.io/slipyard/trial"}
_PING = "ping"
_EVENTS = {"bitbucket-server": "diagnostics:ping"}
_BODIES: dict[str, dict[str, Any]] = {
    "dockerhub": {"repository": {"repo_name": "slipyard/trial"}, "push_data": {"tag": "trial", "pusher": "slipyard"}},
    "registry": {"events": [{"action": "ping"}]},
}


def trial_body(provider: Provider, settings: HookSettings, name: str) -> bytes:
    """`name` makes it another body each time."""
    payload = {"slipyard_trial": name} | json.loads(json.dumps(_BODIES.get(provider.name, {})))
    if provider.name == "generic":
        _put_fields(payload, settings, name)
    for place, value in _values(provider, name):
        if place.path:
            _put(payload, list(place.path), value)
    return json.dumps(payload).encode()


def trial_headers(provider: Provider, settings: HookSettings, name: str, secret: bytes, body: bytes) -> dict[str, str]:
    named = {place.header: value for place, value in _values(provider, name) if place.header}
    proof = provider.proof(settings)
    return (
        {"content-type": "application/json", "user-agent": "slipyard-trial"}
        | named
        | _proved(proof, name, secret, body)
    )


def is_trial(said: Announcement) -> bool:
    """A provider's own ping, or what is sent in its place."""
    if said.kind is Kind.PING or said.event == _PING:
        return True
    moved, pushed = {change.ref for change in said.refs}, {image.repository for image in said.images}
    return TRIAL_REF in moved or not pushed.isdisjoint(_TRIAL_IMAGES)


def _values(provider: Provider, name: str) -> list[tuple[Place, str]]:
    event = [(provider.event, _EVENTS.get(provider.name, _PING))] if provider.event != Place() else []
    return [*event, *((place, name) for place in provider.ids)]


def _put_fields(payload: dict[str, Any], settings: HookSettings, name: str) -> None:
    fields = settings.fields
    said = {fields.ref: TRIAL_REF, fields.commit: "0" * 40, fields.image: TRIAL_IMAGE, fields.tag: "trial"}
    for pointer, value in (said | {fields.delivery_id: name}).items():
        if pointer is not None:
            _put(payload, [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]], value)


def _put(payload: dict[str, Any], path: list[str], value: str) -> None:
    """Where a list would stand, an object with numbers for names: pointers read it as well."""
    *outer, last = path or [""]
    for part in outer:
        payload = payload.setdefault(part, {})
    payload[last] = value


def _proved(proof: Proof, name: str, secret: bytes, body: bytes) -> dict[str, str]:
    match proof:
        case Signature():
            return {proof.header: proof.prefix + hmac.new(secret, body, hashlib.sha256).hexdigest()}
        case StandardSignature():
            return _standard(proof, name, secret, body)
        case Basic():
            return {proof.header: "Basic " + base64.b64encode(b"slipyard:" + secret).decode()}
        case _ if proof.header == PATH_SECRET:
            return {}  # it stands in the address
        case _:
            return {proof.header: proof.prefix + secret.decode()}


def _standard(proof: StandardSignature, name: str, secret: bytes, body: bytes) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix(SIGNING_KEY.encode()))
    signed = hmac.new(key, f"{name}.0.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(signed).decode()
    return {"webhook-id": name, "webhook-timestamp": "0", proof.header: signature}
