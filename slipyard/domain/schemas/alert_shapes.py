"""Alerts: what is asked and what is answered."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from slipyard.domain.alert import AlertMetric
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing

Amount = Annotated[float, Field(gt=0, le=1_000_000)]
Seconds = Annotated[float, Field(ge=0, le=86_400, description="For how long")]


class CreateAlert(Incoming):
    metric: AlertMetric = Field(
        description="cpu and memory in percent of the limit, errors of the answers, disk of it; certificate in days to its end"
    )
    threshold: Amount | None = Field(
        None, description="Default: 90, errors 5, certificate 14 (and below), the others 1"
    )
    resolve_below: Amount | None = Field(None, description="It is over when it was below this as long")
    seconds: Seconds | None = None


class ChangeAlert(Incoming):
    threshold: Amount | None = None
    resolve_below: Amount | None = None
    seconds: Seconds | None = None
    enabled: bool | None = None


class SilenceAlert(Incoming):
    seconds: float = Field(3600.0, ge=0, le=30 * 86_400, description="From now on; 0 ends a silence")


class AlertView(Outgoing):
    id: str
    app_id: str
    metric: AlertMetric
    threshold: float
    resolve_below: float
    seconds: float
    enabled: bool
    state: str = Field(description="ok, pending or firing")
    value: float | None = Field(description="When the state last changed")
    since: datetime | None = Field(description="Pending since, or below resolve_below since")
    fired_at: datetime | None = Field(description="When it last fired")
    silenced_until: datetime | None
    created_at: datetime


class AlertList(Outgoing):
    alerts: list[AlertView]
    total: int
