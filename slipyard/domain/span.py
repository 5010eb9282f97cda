"""A timed stage of a build or a deployment, so that each shows where its seconds went."""

from datetime import datetime

from slipyard.domain.values import Value


class Span(Value):
    name: str
    started_at: datetime
    milliseconds: float
