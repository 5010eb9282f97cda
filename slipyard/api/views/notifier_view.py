"""Notifiers without what is secret in them, and messages of the outbox."""

from typing import Literal

from slipyard.domain.notifier import NotifierKind
from slipyard.domain.schemas.notifier_shapes import MessageView, NotifierView
from slipyard.store.cipher import Cipher
from slipyard.store.tables import Message, Notifier


def notifier_view(row: Notifier, cipher: Cipher) -> NotifierView:
    fields = row.model_dump(include=set(NotifierView.model_fields))
    return NotifierView(**fields, target=_target(row, cipher.decrypt(row.url_encrypted).decode()))


def message_view(row: Message) -> MessageView:
    fields = row.model_dump(include=set(MessageView.model_fields))
    next_at = None if row.finished_at else row.next_at
    return MessageView(**{**fields, "next_at": next_at, "state": _state(row), "what": _what(row)})


def _target(row: Notifier, url: str) -> str:
    """Scheme and host of a webhook; of Apprise only the service, since its tokens may stand where a host would."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if row.kind == NotifierKind.WEBHOOK else f"{scheme}://"


def _state(row: Message) -> Literal["waiting", "delivered", "given_up"]:
    if row.finished_at is None:
        return "waiting"
    return "delivered" if row.delivered else "given_up"


def _what(row: Message) -> str:
    given = row.payload
    match row.kind:
        case "status" | "github_deployment":
            return f"{given['state']} of {str(given['commit'])[:12]} at {given['repository']}: {given['description']}"
        case "comment":
            return next(iter(str(given["text"]).splitlines()), "")
        case _:
            return f"{given['type']}: {given['data']['message']}"
