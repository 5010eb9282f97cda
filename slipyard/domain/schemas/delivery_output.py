"""Deliveries as they are answered: what came, what was decided about it for each app, and what that caused."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from slipyard.domain.schemas.outgoing import Outgoing, Page


class DecisionView(Outgoing):
    app: str
    app_id: str
    verdict: str
    reason: str
    deployment_id: str | None
    decided_at: datetime


class DeliveryView(Outgoing):
    id: str
    hook_id: str
    app_id: str = Field(description="Of the webhook's app; it may have concerned others too")
    provider: str
    provider_id: str
    event: str
    verdict: str | None = Field(description="For this app: deployed, superseded, skipped, ignored; null: not yet")
    reason: str | None
    deployment_id: str | None
    replay_of: str | None = Field(description="The delivery that it repeats")
    body_bytes: int = Field(description="As it arrived")
    milliseconds: float | None = Field(description="From its arrival to its decision")
    received_at: datetime
    decided_at: datetime | None


class CausedPush(Outgoing):
    id: str
    app_id: str
    ref: str
    commit: str
    decision: str
    rule: str | None = Field(description="Which rule decided")
    held_for: str | None
    reason: str


class CausedWork(Outgoing):
    """A build or a deployment."""

    id: str
    app_id: str
    number: int
    status: str
    error: str | None


class DeliveryDetail(DeliveryView):
    headers: dict[str, str] = Field(description="Those that say something; never a credential")
    body: str | None = Field(description="null where retention took it")
    body_encoding: Literal["text", "base64"]
    body_kept: Literal["whole", "essence", "removed"] = Field(
        description="essence: of a large body only what we read in it; removed: retention took it"
    )
    decisions: list[DecisionView]
    pushes: list[CausedPush]
    builds: list[CausedWork]
    deployments: list[CausedWork]
    replays: list[str]


class DeliveryList(Page):
    deliveries: list[DeliveryView]


class ReplayedDecision(Outgoing):
    app: str
    status: str
    message: str
    deployment_id: str | None


class Replayed(Outgoing):
    success: bool = True
    message: str
    delivery_id: str = Field(description="The new one")
    replay_of: str
    deployment_id: str | None = Field(description="Of this app, where it is deployed again")
    decisions: list[ReplayedDecision]
