"""What people want to be warned of."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from slipyard.domain.alert import AlertMetric, AlertState
from slipyard.store.columns import UtcTime, Word


class Alert(SQLModel, table=True):
    """A rule, and where it stands. What became of it is in the app's events."""

    __tablename__ = "alert"

    id: str = Field(primary_key=True)
    app_id: str = Field(foreign_key="app.id", index=True)
    metric: AlertMetric = Field(sa_type=Word(AlertMetric))
    threshold: float
    resolve_below: float
    seconds: float  # for how long
    enabled: bool = True
    silenced_until: datetime | None = Field(default=None, sa_type=UtcTime)
    state: AlertState = Field(default=AlertState.OK, sa_type=Word(AlertState))
    since: datetime | None = Field(default=None, sa_type=UtcTime)
    fired_at: datetime | None = Field(default=None, sa_type=UtcTime)
    told: bool = False  # that it fires: who was not told of it is not told that it is over
    value: float | None = None  # at the last look that changed something
    created_at: datetime = Field(sa_type=UtcTime)
