"""What the alerts of an app are about, as numbers, each with a word of what it is the number of."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlmodel import Session

from slipyard.domain.alert import AlertMetric
from slipyard.domain.errors import SystemFault
from slipyard.domain.healing import is_crash_loop
from slipyard.domain.lifecycle import DeploymentStatus
from slipyard.domain.traffic import Traffic, total
from slipyard.domain.usage import Usage
from slipyard.pipeline.cleaning.disk_use import fill_of_disks
from slipyard.pipeline.context import Context
from slipyard.store.queries.alerts import last_outcome, troubles_of
from slipyard.store.queries.certificates import certificates_of_app
from slipyard.store.series.files import SeriesFiles
from slipyard.store.series.ring import FINE
from slipyard.store.series.series import traffic_series, usage_series

_FRESH_SECONDS = 60
_ANSWERS_SECONDS = 300
_LEAST_ERRORS = 3  # so few may be chance, whatever their share
_PERCENT = 100


@dataclass(frozen=True)
class AlertValue:
    """`amount` is None where nothing runs, or nothing was asked; `about` says what it is of."""

    amount: float | None
    about: str
    deployment_id: str | None = None


async def alert_values(
    context: Context, app_id: str, metrics: Collection[AlertMetric]
) -> Mapping[AlertMetric, AlertValue]:
    """Of these metrics at least."""
    now = context.clock.now().timestamp()
    measured = await asyncio.to_thread(_measured, SeriesFiles(context.layout.metrics), app_id, now)
    rows = await context.database.reading(lambda session: _of_rows(session, context, app_id))
    disk = {AlertMetric.DISK: await _disk(context)} if AlertMetric.DISK in metrics else {}
    return {**measured, **rows, **disk}


async def _disk(context: Context) -> AlertValue:
    """Of the fullest one: a full disk stops the whole machine, whoever filled it. Where the engine is away, of ours alone."""
    places = [context.layout.home]
    with suppress(SystemFault):
        root = await context.engine.data_root()
        places += [Path(root)] if root else []
    disks = await asyncio.to_thread(fill_of_disks, places)
    share, place = max(((_PERCENT * used / total, path) for path, (used, total) in disks.items()), default=(None, None))
    return AlertValue(share, f"the disk of {place}" if place else "the disk")


def _soonest(session: Session, context: Context, app_id: str) -> AlertValue:
    """Those of our own authority live for hours, and are renewed by whoever makes them."""
    rows = [
        row
        for row in certificates_of_app(session, app_id)
        if row.chain is not None or context.settings.tls != "internal"
    ]
    ends = [(row.not_after, row.host) for row in rows if row.not_after is not None]
    if not ends:
        return AlertValue(None, "no certificate is known")
    end, host = min(ends)
    days = (end - context.clock.now()) / timedelta(days=1)
    return AlertValue(days, f"the certificate of {host} ends on {end:%Y-%m-%d %H:%M} UTC")


def _measured(files: SeriesFiles, app_id: str, now: float) -> dict[AlertMetric, AlertValue]:
    usages: list[tuple[str, Usage]] = []
    answers: list[Traffic] = []
    for measured in files.of_app(app_id):
        if measured.kind != "service":
            continue
        newest = usage_series(files.usage(app_id, measured)).latest()
        if newest is not None and newest[0] > now - _FRESH_SECONDS:
            usages.append((measured.name, newest[1]))
        series = traffic_series(files.traffic(app_id, measured))
        answers += [each for _, each in series.between(FINE, int(now) - _ANSWERS_SECONDS, int(now))]
    return {
        AlertMetric.CPU: _most("processor", ((name, each.cpu, each.cpu_limit) for name, each in usages)),
        AlertMetric.MEMORY: _most("memory", ((name, each.memory, each.memory_limit) for name, each in usages)),
        AlertMetric.ERRORS: _errors(total(answers)),
    }


def _most(what: str, uses: Iterable[tuple[str, float, float]]) -> AlertValue:
    """Of the service that is nearest to its limit."""
    shares = [(_PERCENT * used / limit, name) for name, used, limit in uses if limit]
    share, name = max(shares, default=(None, ""))
    return AlertValue(share, f"the {what} of {name}" if name else f"the {what}")


def _errors(answers: Traffic) -> AlertValue:
    share = _PERCENT * answers.errors / answers.requests if answers.requests else None
    few = answers.errors < _LEAST_ERRORS
    return AlertValue(0.0 if share is not None and few else share, f"5xx among {answers.requests} answers")


def _of_rows(session: Session, context: Context, app_id: str) -> dict[AlertMetric, AlertValue]:
    looping = [trouble for trouble in troubles_of(session, app_id) if is_crash_loop(trouble)]
    outcome = last_outcome(session, app_id)
    failed = outcome is not None and outcome.status is DeploymentStatus.FAILED
    about = f"deployment {outcome.number}: {outcome.error or 'failed'}" if outcome and failed else "the last deployment"
    return {
        AlertMetric.CRASH_LOOP: AlertValue(
            len(looping), looping[0] if looping else "instances that end again and again"
        ),
        AlertMetric.CERTIFICATE: _soonest(session, context, app_id),
        AlertMetric.FAILED_DEPLOYMENT: AlertValue(float(failed), about, outcome.id if outcome else None),
    }
