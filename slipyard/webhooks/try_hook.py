"""Whether a delivery gets through: one is sent to ourselves by the public URL, and looked for in the ledger."""

import hashlib
import json
from dataclasses import dataclass
from http import HTTPStatus

from sqlmodel import Session, select

from slipyard.clients.own_address import OwnAnswer, post_to_ourselves
from slipyard.domain.errors import Unavailable
from slipyard.domain.ids import new_id
from slipyard.pipeline.context import Context
from slipyard.store.tables import Delivery, Hook
from slipyard.webhooks.address import joined_address
from slipyard.webhooks.proof import PATH_SECRET
from slipyard.webhooks.providers import provider_named
from slipyard.webhooks.trial import trial_body, trial_headers


@dataclass(frozen=True)
class Trial:
    success: bool
    message: str
    url: str
    status: int | None
    milliseconds: float
    delivery_id: str | None


async def try_hook(context: Context, hook: Hook, url: str) -> Trial:
    """Never raises for what the network does: that is the answer. The secret stays out of it."""
    provider, name = provider_named(hook.provider), new_id("req")
    secret = context.cipher.decrypt(hook.secret_encrypted)
    body = trial_body(provider, hook.settings, name)
    headers = trial_headers(provider, hook.settings, name, secret, body)
    in_path = provider.proof(hook.settings).header == PATH_SECRET
    began = context.clock.monotonic()
    try:
        answer = await post_to_ourselves(joined_address(url, secret.decode()) if in_path else url, headers, body)
    except Unavailable as error:
        return Trial(False, _unreachable(url, error.message), url, None, _since(context, began), None)
    took = _since(context, began)
    found = await context.database.reading(lambda session: _delivery(session, hook.id, body))
    return Trial(found is not None, _message(url, answer, found), url, answer.status, took, found)


def _delivery(session: Session, hook_id: str, body: bytes) -> str | None:
    digest = hashlib.sha256(body).hexdigest()
    query = select(Delivery.id).where(Delivery.hook_id == hook_id, Delivery.body_digest == digest)
    return session.exec(query).first()


def _message(url: str, answer: OwnAnswer, delivery_id: str | None) -> str:
    if delivery_id is not None:
        return (
            f"A signed ping to {url} arrived here. The provider must reach the same address, and have the same secret."
        )
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return (
            f"{url} answers {answer.status}, but the ping did not arrive here: is SLIPYARD_PUBLIC_URL another server's?"
        )
    return (
        f"{url} answers {answer.status}{_reason(answer.body)} Check that SLIPYARD_PUBLIC_URL leads to this Slipyard, and"
        " what a proxy in between does with POST requests to /webhooks/."
    )


def _reason(body: bytes) -> str:
    try:
        return f": {json.loads(body)['error']['message']}"
    except (ValueError, KeyError, TypeError):
        return ", which is no answer of Slipyard."


def _unreachable(url: str, why: str) -> str:
    return (
        f"{url} cannot be reached from this machine ({why}). Set SLIPYARD_PUBLIC_URL to how others reach the API, and let"
        " the provider's addresses through to it."
    )


def _since(context: Context, began: float) -> float:
    return round((context.clock.monotonic() - began) * 1000, 1)
