"""GitHub: HMAC-SHA256 over the raw body, JSON or a form, at most 25 MB; see its "Webhook events and payloads"."""

import hashlib
import hmac
import json
from urllib.parse import parse_qs, urlencode

from slipyard.domain.announcement import Announcement, Kind
from slipyard.domain.errors import UserError
from slipyard.webhooks.github_events import announcement_of
from slipyard.webhooks.payload import Payload, clean, json_object
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
        return Announcement(Kind.PING, event) if event == "ping" else announcement_of(event, payload)

    def essence(self, headers: Headers, body: bytes) -> bytes:
        payload = _payload(headers, body)
        small = {name: payload[name] for name in _ESSENTIAL if name in payload}
        text = json.dumps(small)
        return _as_form(text) if _is_form(headers) else text.encode()


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
