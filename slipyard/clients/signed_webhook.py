"""A signed request, as Standard Webhooks says (github.com/standard-webhooks): id, timestamp and signature in headers."""

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from standardwebhooks import Webhook

from slipyard.clients.outside_http import OutsideHttp
from slipyard.clients.refusal_wait import wait_in
from slipyard.domain.errors import AskedToWait, Unavailable, UserError
from slipyard.domain.network_rules import Network

_SECONDS = 15.0
_MOST_BYTES = 64 * 1024  # nobody reads what a receiver answers
_SECRET_BYTES = 32
_ASKS_TO_WAIT = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class Gone(UserError):
    """The receiver answered 410: it wants nothing more (section "Delivery" of the specification)."""

    code = "gone"
    status = 410


def new_signing_secret() -> str:
    """`whsec_` and 32 bytes in base64, as the specification writes a secret."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


async def send_webhook(
    url: str, secret: str, message_id: str, payload: Mapping[str, Any], networks: Sequence[Network], now: datetime
) -> None:
    """One attempt: 2xx is arrived. `Unavailable` where another one may help, which by the specification is every other
    answer but 410."""
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }
    http = OutsideHttp(networks, seconds=_SECONDS, most_bytes=_MOST_BYTES)
    answer = await http.send("POST", url, headers, body.encode())
    if answer.status == HTTPStatus.GONE:
        raise Gone("The receiver answered 410: it wants to be told nothing more. The notifier is turned off.")
    if answer.status in _ASKS_TO_WAIT:
        wait = wait_in(answer.headers)
        raise AskedToWait(f"The receiver answered {answer.status}. It is tried again.", wait)
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise Unavailable(f"The receiver answered {answer.status} instead of 2xx. It is tried again.")
