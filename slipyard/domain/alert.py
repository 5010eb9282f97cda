"""When an alert fires and when it is over: for how long, and with a gap between the two, so that it does not flap."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class AlertMetric(StrEnum):
    CPU = "cpu"  # percent of the limit, of the service that uses most
    MEMORY = "memory"
    ERRORS = "errors"  # percent of the answers of the last five minutes that were 5xx
    CRASH_LOOP = "crash_loop"  # instances that end again and again
    DISK = "disk"  # percent of the fullest disk that data and images lie on
    CERTIFICATE = "certificate"  # days that the certificate which ends first is still good
    FAILED_DEPLOYMENT = "failed_deployment"  # 1 while the last deployment that is over has failed


class AlertState(StrEnum):
    OK = "ok"
    PENDING = "pending"  # at the threshold, not for long enough yet
    FIRING = "firing"


@dataclass(frozen=True)
class AlertTerms:
    """Fires when the value was at `threshold` or above for `seconds`; is over when it was below `resolve_below` as long."""

    threshold: float
    resolve_below: float
    seconds: float
    falling: bool = False


@dataclass(frozen=True)
class AlertStanding:
    """`since`: when it reached the threshold, or while it fires, when it went below."""

    state: AlertState = AlertState.OK
    since: datetime | None = None


USUAL: Mapping[AlertMetric, AlertTerms] = {
    AlertMetric.CPU: AlertTerms(90, 80, 300),
    AlertMetric.MEMORY: AlertTerms(90, 85, 120),
    AlertMetric.ERRORS: AlertTerms(5, 2, 120),
    AlertMetric.CRASH_LOOP: AlertTerms(1, 1, 0),
    AlertMetric.DISK: AlertTerms(90, 85, 60),
    AlertMetric.CERTIFICATE: AlertTerms(14, 15, 0),
    AlertMetric.FAILED_DEPLOYMENT: AlertTerms(1, 1, 0),
}
FALLING = frozenset({AlertMetric.CERTIFICATE})
"""What is bad when it is little: it fires at `threshold` or below, and is over above `resolve_below`."""


def judged(standing: AlertStanding, terms: AlertTerms, value: float | None, now: datetime) -> AlertStanding:
    """A value of None is of something that does not run: it is not above anything."""
    if terms.falling:
        turned = AlertTerms(-terms.threshold, -terms.resolve_below, terms.seconds)
        return judged(standing, turned, None if value is None else -value, now)
    if standing.state is AlertState.FIRING:
        if value is not None and value >= terms.resolve_below:
            return AlertStanding(AlertState.FIRING)
        return _after(standing, terms, now, AlertState.FIRING, AlertState.OK)
    if value is None or value < terms.threshold:
        return AlertStanding()
    return _after(standing, terms, now, AlertState.PENDING, AlertState.FIRING)


def _after(
    standing: AlertStanding, terms: AlertTerms, now: datetime, waiting: AlertState, over: AlertState
) -> AlertStanding:
    since = standing.since or now
    lasted = now - since >= timedelta(seconds=terms.seconds)
    return AlertStanding(over) if lasted else AlertStanding(waiting, since)
