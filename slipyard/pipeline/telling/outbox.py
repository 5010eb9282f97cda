"""The way into the outbox: a message is written in the transaction of what it tells of, and sent later by the controller."""

from dataclasses import dataclass
from typing import Any, Literal

from sqlmodel import Session

from slipyard.domain.ids import new_id
from slipyard.pipeline.context import Context
from slipyard.store.queries.messages import message_by_key
from slipyard.store.tables import App, Message

MessageKind = Literal["status", "github_deployment", "comment", "webhook", "notification", "take_back"]


@dataclass(frozen=True)
class Note:
    """`key` makes it one: a second note with the same key is none. Notes of one `lane` are sent in the order of
    `sequence`, by default of the app's last event. `target_id`: the connection, notifier or preview that it goes to."""

    key: str
    kind: MessageKind
    target_id: str
    lane: str
    payload: dict[str, Any]
    sequence: int | None = None


def write_note(session: Session, context: Context, app: App, note: Note) -> Message | None:
    """None where it was written down before."""
    if message_by_key(session, note.key) is not None:
        return None
    now = context.clock.now()
    message = Message(
        id=new_id("msg"),
        key=note.key,
        app_id=app.id,
        kind=note.kind,
        target_id=note.target_id,
        lane=note.lane,
        sequence=app.last_event if note.sequence is None else note.sequence,
        payload=note.payload,
        next_at=now,
        created_at=now,
    )
    session.add(message)
    session.flush()
    return message
