"""Tokens and webhooks as they are answered. A secret is shown once, at its making."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from slipyard.domain.hook import Installed
from slipyard.domain.schemas.outgoing import Outgoing


class TokenView(Outgoing):
    id: str
    name: str
    scopes: list[str]
    app_id: str | None = Field(None, description="Good for this app only")
    person: str | None = Field(None, description="Whose it is; who asked for a deployment never approves it")
    created_by: str | None = Field(None, description="Id of the token with which it was made")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewTokenView(TokenView):
    token: str | None = Field(description="Shown once; null when the same request is repeated")


class TokenList(Outgoing):
    tokens: list[TokenView]
    total: int


class Me(Outgoing):
    id: str
    name: str
    organization_id: str
    scopes: list[str]
    app_id: str | None = None


HookState = Literal["waiting", "connected", "receiving"]


class HookView(Outgoing):
    id: str
    app_id: str
    provider: str
    url: str
    scheme: str = Field(description="How a delivery proves who sends it; fixed for each webhook")
    enter: list[str] = Field(description="What to enter at the provider, a line for each field there")
    rejected: int = Field(description="Deliveries whose signature was wrong; nothing of them is kept")
    rejected_at: datetime | None
    rejection: str | None = Field(description="Why the last of them was")
    state: HookState = Field(description="waiting: nothing came yet; connected: something did, no push; receiving")
    state_message: str
    waiting_since: datetime | None = Field(description="For the first push; null once it came")
    last_delivery: datetime | None
    installed: Installed | None = Field(description="What was made at the provider, and is taken back with the webhook")
    created_at: datetime


class NewHookView(HookView):
    secret: str | None = Field(description="Shown once; null when the same request is repeated")
    done: list[str] = Field(default_factory=list, description="What `install` did at the provider, line by line")


class HookList(Outgoing):
    webhooks: list[HookView]
    total: int


class HookTest(Outgoing):
    success: bool
    message: str = Field(description="What came of it, and what to do where nothing did")
    url: str = Field(description="Where the ping was sent")
    status: int | None = Field(description="Of the answer; null where nothing answered")
    milliseconds: float
    delivery_id: str | None = Field(description="The ping in the ledger, where it arrived at this Slipyard")
