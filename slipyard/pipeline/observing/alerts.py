"""Alerts of an app are made, changed, silenced and removed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from slipyard.domain.alert import FALLING, USUAL, AlertMetric, AlertState
from slipyard.domain.errors import ValidationFailed
from slipyard.domain.ids import new_id
from slipyard.pipeline.context import Context
from slipyard.store.queries.alerts import find_alert
from slipyard.store.tables import Alert


@dataclass(frozen=True)
class NewAlert:
    """None takes what is usual for the metric; `resolve_below` at the most the threshold."""

    metric: AlertMetric
    threshold: float | None = None
    resolve_below: float | None = None
    seconds: float | None = None


async def make_alert(context: Context, app_id: str, asked: NewAlert) -> Alert:
    usual = USUAL[asked.metric]
    threshold = usual.threshold if asked.threshold is None else asked.threshold
    below = threshold * usual.resolve_below / usual.threshold if asked.resolve_below is None else asked.resolve_below
    row = Alert(
        id=new_id("alr"),
        app_id=app_id,
        metric=asked.metric,
        threshold=threshold,
        resolve_below=below,
        seconds=usual.seconds if asked.seconds is None else asked.seconds,
        created_at=context.clock.now(),
    )
    _check(row)
    await context.database.writing(lambda session: session.add(row))
    return row


async def change_alert(context: Context, app_id: str, alert_id: str, changes: dict[str, Any]) -> Alert:
    """`changes`: threshold, resolve_below, seconds, enabled. One that is turned off begins anew when it is turned on."""

    def write(session: Session) -> Alert:
        row = find_alert(session, app_id, alert_id)
        for name, value in changes.items():
            setattr(row, name, value)
        _check(row)
        if not row.enabled:
            row.state, row.since, row.told = AlertState.OK, None, False
        session.add(row)
        return row

    return await context.database.writing(write)


async def silence_alert(context: Context, app_id: str, alert_id: str, seconds: float) -> Alert:
    """Nobody is told meanwhile; who fires after it is told then. 0 ends a silence."""

    def write(session: Session) -> Alert:
        row = find_alert(session, app_id, alert_id)
        row.silenced_until = context.clock.now() + timedelta(seconds=seconds) if seconds else None
        session.add(row)
        return row

    return await context.database.writing(write)


async def remove_alert(context: Context, app_id: str, alert_id: str) -> Alert:
    def remove(session: Session) -> Alert:
        row = find_alert(session, app_id, alert_id)
        session.delete(row)
        return row

    return await context.database.writing(remove)


def _check(row: Alert) -> None:
    if row.metric in FALLING:
        _check_falling(row)
    elif row.resolve_below > row.threshold:
        raise ValidationFailed(
            f"resolve_below is {row.resolve_below:g} and above the threshold {row.threshold:g}: it would be over before it"
            " fires. Give both, resolve_below at the most as high."
        )


def _check_falling(row: Alert) -> None:
    if row.resolve_below < row.threshold:
        raise ValidationFailed(
            f"resolve_below is {row.resolve_below:g} and below the threshold {row.threshold:g}: for {row.metric} little is"
            " bad, so it would be over before it fires. Give both, resolve_below at least as high."
        )
