"""Anybody else: an HMAC or a token in a header of their choice, and JSON pointers (RFC 6901) to what we need to know."""

from typing import Any

from jsonpointer import JsonPointer, JsonPointerException

from slipyard.domain.announcement import Announcement, Kind
from slipyard.domain.errors import UserError
from slipyard.domain.hook import BodyFields
from slipyard.webhooks.moved_ref import moved_ref, with_commits
from slipyard.webhooks.payload import Payload, clean
from slipyard.webhooks.proof import Signature, Token
from slipyard.webhooks.provider import Provider
from slipyard.webhooks.pushed_image import checked_image

_LONGEST = 10_000


def announcement_of(event: str, payload: Payload, fields: BodyFields) -> Announcement:
    if fields.image:
        image = checked_image(
            "", _text(payload, fields.image), _maybe(payload, fields.tag), _maybe(payload, fields.digest)
        )
        return Announcement(Kind.IMAGE, event, images=(image,))
    moved = moved_ref(_whole(_text(payload, fields.ref)), _text(payload, fields.commit))
    change = with_commits(moved, head_message=_maybe(payload, fields.message), paths=None)
    return Announcement(Kind.PUSH, event, refs=(change,))


def _identify(payload: Payload, fields: BodyFields) -> str:
    return _maybe(payload, fields.delivery_id)


def _whole(ref: str) -> str:
    return ref if ref.startswith("refs/") else f"refs/heads/{ref}"


def _text(payload: Payload, pointer: str | None) -> str:
    found = _maybe(payload, pointer)
    if not found:
        raise UserError(f"There is nothing at {pointer} in this delivery, where this hook looks. Change its fields.")
    return found


def _maybe(payload: Payload, pointer: str | None) -> str:
    """Empty where no pointer is given, or nothing is there. A number is taken for its digits."""
    if pointer is None:
        return ""
    found: Any = _at(payload, pointer)
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise UserError(f"What is at {pointer} in this delivery is not a text. Change the fields of this hook.")
    return clean(str(found)[:_LONGEST])


def _at(payload: Payload, pointer: str) -> Any:
    try:
        return JsonPointer(pointer).resolve(payload, None)
    except JsonPointerException as error:
        raise UserError(f"{pointer} leads nowhere in this delivery. Change the fields of this hook.") from error


GENERIC = Provider(
    name="generic",
    proofs={"signature": Signature("x-slipyard-signature"), "token": Token("x-slipyard-token")},
    identify=_identify,
    read=announcement_of,
    own_header=True,
    choose="what your fields can be read from",
)
