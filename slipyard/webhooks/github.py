"""GitHub: HMAC-SHA256 over the raw body, JSON or a form, at most 25 MB; see its "Webhook events and payloads"."""

from urllib.parse import parse_qs

from slipyard.domain.errors import UserError
from slipyard.webhooks.github_events import announcement_of
from slipyard.webhooks.payload import Payload, json_object
from slipyard.webhooks.proof import Headers, Signature
from slipyard.webhooks.provider import Place, Provider

_FORM = "application/x-www-form-urlencoded"


def _payload(headers: Headers, body: bytes) -> Payload:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return json_object(_from_form(body) if kind == _FORM else body)


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


GITHUB = Provider(
    name="github",
    proofs={"signature": Signature("x-hub-signature-256", "sha256=")},
    event=Place("x-github-event"),
    ids=(Place("x-github-delivery"),),
    parse=_payload,
    read=announcement_of,
    form="application/json",
    choose="Pushes; Pull requests for previews; Check runs, Check suites, Statuses or Workflow runs to wait for a check",
)
