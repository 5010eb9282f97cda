"""GitHub: HMAC-SHA256 over the raw body, JSON or a form, at most 25 MB; see its "Webhook events and payloads"."""

import hashlib
import hmac
import json
from urllib.parse import parse_qs, urlencode

from slipyard.domain.errors import SlipyardError, UserError
from slipyard.domain.git_ref import check_ref, is_commit
from slipyard.webhooks.announcement import Announcement, Kind
from slipyard.webhooks.payload import Payload, clean, flag_at, json_object, text_at
from slipyard.webhooks.provider import Headers

_PREFIX = "sha256="
_FORM = "application/x-www-form-urlencoded"
_ESSENTIAL = ("ref", "before", "after", "deleted", "forced", "head_commit", "pusher", "sender")


class GitHub:
    name = "github"
    kept_headers = ("content-type", "user-agent", "x-github-event", "x-github-delivery", "x-github-hook-id")

    def verify(self, secret: bytes, headers: Headers, body: bytes) -> bool:
        given = headers.get("x-hub-signature-256", "")
        if not secret or not given.startswith(_PREFIX):
            return False
        expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(given.removeprefix(_PREFIX).encode(errors="replace"), expected.encode())

    def delivery_id(self, headers: Headers) -> str | None:
        return headers.get("x-github-delivery")

    def event(self, headers: Headers) -> str:
        return clean(headers.get("x-github-event", "unknown"))[:100]

    def announcement(self, headers: Headers, body: bytes) -> Announcement:
        event, payload = self.event(headers), _payload(headers, body)
        sender = text_at(payload, "pusher", "name") or text_at(payload, "sender", "login")
        if event != "push":
            return Announcement(Kind.PING if event == "ping" else Kind.OTHER, event, sender=sender)
        return _push(event, payload, sender)

    def essence(self, headers: Headers, body: bytes) -> bytes:
        payload = _payload(headers, body)
        small = {name: payload[name] for name in _ESSENTIAL if name in payload}
        text = json.dumps(small)
        return _as_form(text) if _is_form(headers) else text.encode()


def _push(event: str, payload: Payload, sender: str) -> Announcement:
    ref, commit = _checked_ref(text_at(payload, "ref")), text_at(payload, "after")
    if flag_at(payload, "deleted") or not commit.strip("0"):
        return Announcement(Kind.DELETED, event, ref=ref, sender=sender)
    if not is_commit(commit):
        raise UserError("`after` in this delivery is not a commit. Check what sends it.")
    before = text_at(payload, "before")
    return Announcement(
        kind=Kind.PUSH if ref.startswith("refs/heads/") else Kind.TAG,
        event=event,
        ref=ref,
        commit=commit,
        previous=before if is_commit(before) else None,
        forced=flag_at(payload, "forced"),
        head_message=text_at(payload, "head_commit", "message"),
        sender=sender,
    )


def _checked_ref(ref: str) -> str:
    try:
        return check_ref(ref)
    except SlipyardError as error:
        raise UserError(f"`ref` in this delivery is not the name of a branch or tag: {error.message}") from error


def _payload(headers: Headers, body: bytes) -> Payload:
    return json_object(_from_form(body) if _is_form(headers) else body)


def _is_form(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM


def _from_form(body: bytes) -> bytes:
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=10, errors="strict")
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(
            "The form of this delivery cannot be read. Set the content type of the hook to JSON."
        ) from error
    if "payload" not in fields:
        raise UserError("The form of this delivery has no field `payload`. Set the content type of the hook to JSON.")
    return fields["payload"][0].encode(errors="replace")


def _as_form(text: str) -> bytes:
    return urlencode({"payload": text}).encode()
