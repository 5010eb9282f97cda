"""Alerts that begin to fire, and those that are over: an event of the app each, which notifiers are told like any other."""

from collections.abc import Mapping
from itertools import groupby

from sqlmodel import Session

from slipyard.domain.alert import FALLING, AlertMetric, AlertStanding, AlertState, AlertTerms, judged
from slipyard.pipeline.context import Context
from slipyard.pipeline.observing.alert_values import AlertValue, alert_values
from slipyard.store.events import lock_app, record
from slipyard.store.queries.alerts import alerts_to_judge
from slipyard.store.tables import Alert, App

FIRING, RESOLVED = "alert.firing", "alert.resolved"
_IN_PERCENT = {AlertMetric.CPU, AlertMetric.MEMORY, AlertMetric.ERRORS, AlertMetric.DISK}
_SENTENCE = 200


async def judge_alerts(context: Context) -> None:
    """One pass. Nothing is written for an alert that stands as before."""
    rows = await context.database.reading(alerts_to_judge)
    for app_id, found in groupby(rows, key=lambda row: row.app_id):
        alerts = list(found)
        values = await alert_values(context, app_id, {alert.metric for alert in alerts})
        for alert in alerts:
            if _moves(context, alert, values[alert.metric]):
                await _move(context, alert.id, values)


def _moves(context: Context, row: Alert, value: AlertValue) -> bool:
    standing = AlertStanding(row.state, row.since)
    untold = row.state is AlertState.FIRING and not row.told and not _is_silent(context, row)
    return untold or judged(standing, _terms(row), value.amount, context.clock.now()) != standing


async def _move(context: Context, alert_id: str, values: Mapping[AlertMetric, AlertValue]) -> None:
    def write(session: Session) -> None:
        row = session.get(Alert, alert_id)
        if row is not None and row.enabled:  # nobody removed it, or turned it off
            lock_app(session, row.app_id)
            _judge(session, context, row, values[row.metric])

    await context.database.writing(write)


def _judge(session: Session, context: Context, row: Alert, value: AlertValue) -> None:
    now, before = context.clock.now(), row.state
    standing = judged(AlertStanding(row.state, row.since), _terms(row), value.amount, now)
    row.state, row.since, row.value = standing.state, standing.since, value.amount
    if row.state is AlertState.FIRING and before is not AlertState.FIRING:
        row.fired_at, row.told = now, False
    if row.state is AlertState.FIRING and not row.told and not _is_silent(context, row):
        row.told = True
        _tell(session, context, row, value, FIRING)
    if before is AlertState.FIRING and row.state is AlertState.OK and row.told:
        row.told = False
        _tell(session, context, row, value, RESOLVED)
    session.add(row)


def _is_silent(context: Context, row: Alert) -> bool:
    return row.silenced_until is not None and context.clock.now() < row.silenced_until


def _terms(row: Alert) -> AlertTerms:
    return AlertTerms(row.threshold, row.resolve_below, row.seconds, falling=row.metric in FALLING)


def _tell(session: Session, context: Context, row: Alert, value: AlertValue, kind: str) -> None:
    app = session.get_one(App, row.app_id)
    link = f"{context.settings.api_url}/v1/apps/{app.slug}/{_page(row, value)}"
    data = {
        "alert": {
            "id": row.id,
            "metric": str(row.metric),
            "threshold": row.threshold,
            "value": value.amount,
            "fired_at": row.fired_at.isoformat() if row.fired_at else None,
            "link": link,
        }
    }
    linked = {} if row.metric is not AlertMetric.FAILED_DEPLOYMENT else {"deployment_id": value.deployment_id}
    message = f"{app.slug}: {_words(row, value, over=kind == RESOLVED)} {link}"
    record(session, app.id, kind, message, now=context.clock.now(), **data, **linked)


def _words(row: Alert, value: AlertValue, *, over: bool) -> str:
    about = value.about[:_SENTENCE].rstrip(".")
    if row.metric is AlertMetric.CERTIFICATE:
        return f"over again: {about}." if over else f"{about}, in {max(value.amount or 0, 0):.1f} days."
    if row.metric not in _IN_PERCENT:
        return f"over again: {row.metric.replace('_', ' ')}." if over else f"{about}."
    amount = "nothing is measured any more" if value.amount is None else f"{about} at {value.amount:.0f} %"
    return f"over again: {amount}." if over else f"{amount}, at or above {row.threshold:g} % for {row.seconds:g} s."


def _page(row: Alert, value: AlertValue) -> str:
    match row.metric:
        case AlertMetric.FAILED_DEPLOYMENT if value.deployment_id is not None:
            return f"deployments/{value.deployment_id}"
        case AlertMetric.CRASH_LOOP:
            return "instances"
        case AlertMetric.CERTIFICATE:
            return "certificates"
        case _:
            return "metrics?range=1h"
