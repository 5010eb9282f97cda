"""Notifications of the distribution registry: many events in one body, in no order; see its "Notifications".

Pulls, mounts, deletions and single layers arrive too: only manifests that were pushed under a tag say something.
"""

from dataclasses import replace

from slipyard.domain.announcement import Announcement, ImagePushed, Kind
from slipyard.domain.hook import BodyFields
from slipyard.webhooks.payload import Payload, objects_at, text_at
from slipyard.webhooks.proof import Basic, Token
from slipyard.webhooks.provider import Provider
from slipyard.webhooks.pushed_image import checked_image

_MANIFESTS = {
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
}


def announcement_of(event: str, payload: Payload, _: BodyFields) -> Announcement:
    events = objects_at(payload, "events")
    pushes = [each for each in events if _is_tagged_push(each)]
    said = Announcement(Kind.OTHER, event)
    if not pushes:  # the trial of our own is the one that pings: a registry never does
        return replace(said, kind=Kind.PING) if any(text_at(each, "action") == "ping" for each in events) else said
    images = tuple(dict.fromkeys(_image(each) for each in pushes))
    return replace(said, kind=Kind.IMAGE, sender=text_at(pushes[0], "actor", "name"), images=images)


def _is_tagged_push(event: Payload) -> bool:
    kind, tag = text_at(event, "target", "mediaType"), text_at(event, "target", "tag")
    return text_at(event, "action") == "push" and kind in _MANIFESTS and bool(tag)


def _image(event: Payload) -> ImagePushed:
    host, target = text_at(event, "request", "host"), ("target",)
    return checked_image(
        host, text_at(event, *target, "repository"), text_at(event, *target, "tag"), text_at(event, *target, "digest")
    )


def _identify(payload: Payload, _: BodyFields) -> str:
    """A body with several events has no name of its own."""
    events = objects_at(payload, "events")
    return text_at(events[0], "id") if len(events) == 1 else ""


REGISTRY = Provider(
    name="registry",
    proofs={"token": Token("authorization", "Bearer "), "basic": Basic()},
    identify=_identify,
    read=announcement_of,
    choose="nothing: it tells everything, and only pushed manifests count",
)
