"""Tokens, webhooks and deliveries as they are answered. A secret is shown once, at its making."""

from datetime import datetime

from pydantic import Field

from slipyard.domain.schemas.outgoing import Outgoing, Page


class TokenView(Outgoing):
    id: str
    name: str
    scopes: list[str]
    app_id: str | None = Field(None, description="Good for this app only")
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
    last_delivery: datetime | None
    created_at: datetime


class NewHookView(HookView):
    secret: str | None = Field(description="Shown once; null when the same request is repeated")


class HookList(Outgoing):
    webhooks: list[HookView]
    total: int


class DeliveryView(Outgoing):
    id: str
    hook_id: str
    app_id: str
    provider_id: str
    event: str
    verdict: str | None = Field(description="null: not decided yet")
    reason: str | None
    deployment_id: str | None
    received_at: datetime
    decided_at: datetime | None


class DeliveryList(Page):
    deliveries: list[DeliveryView]
