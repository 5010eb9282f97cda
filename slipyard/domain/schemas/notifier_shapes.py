"""Notifiers and the outbox: what is asked and what is answered. URLs are secrets: of them only the beginning is shown."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from slipyard.domain.notifier import NotifierEvent
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing, Page

Events = Annotated[list[NotifierEvent], Field(min_length=1, max_length=len(NotifierEvent))]
Name = Annotated[str, Field(min_length=1, max_length=100, examples=["team chat"])]
Url = Annotated[str, Field(min_length=1, max_length=2048)]


class CreateNotifier(Incoming):
    name: Name
    kind: Literal["webhook", "apprise"] = Field(description="A signed request, or one of Apprise's services")
    url: Url = Field(repr=False, examples=["https://hooks.example.com/slipyard", "slack://token-a/token-b/token-c"])
    events: Events = Field(default_factory=lambda: list(NotifierEvent), description="Default: all")
    app: str | None = Field(None, max_length=100, description="Id or slug; default: every app of the organization")


class ChangeNotifier(Incoming):
    name: Name | None = None
    url: Url | None = Field(None, repr=False)
    events: Events | None = None
    enabled: bool | None = None


class NotifierView(Outgoing):
    id: str
    app_id: str | None = Field(description="null: every app of the organization")
    name: str
    kind: str
    target: str = Field(description="Where it goes, without what is secret in its URL")
    events: list[str]
    enabled: bool
    failed_in_a_row: int
    last_error: str | None
    created_at: datetime


class NewNotifierView(NotifierView):
    secret: str | None = Field(
        description="Verifies what a webhook is sent; shown once, null for Apprise and on a repeat"
    )


class NotifierList(Outgoing):
    notifiers: list[NotifierView]
    total: int


class NotifierTest(Outgoing):
    success: bool
    message: str


class MessageView(Outgoing):
    """One message of the outbox: a status, a comment or a notification, and how far it got."""

    id: str
    kind: str
    target_id: str = Field(description="The connection, notifier or preview that it goes to")
    state: Literal["waiting", "delivered", "given_up"]
    what: str = Field(description="What it says, in short")
    attempts: int
    error: str | None
    next_at: datetime | None = Field(description="When it is tried next; null where it is over")
    created_at: datetime
    finished_at: datetime | None


class MessageList(Page):
    messages: list[MessageView]
