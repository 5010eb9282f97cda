"""The series of an app as people read them: now beside its limit, and a range cut into steps."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from slipyard.domain.schemas.metrics_output import AnswersView, SeriesView, UsageView
from slipyard.domain.traffic import Traffic, total
from slipyard.domain.usage import Usage, mean
from slipyard.store.series.files import Measured, SeriesFiles
from slipyard.store.series.ring import COARSE, FINE, Level
from slipyard.store.series.series import traffic_series, usage_series

Value = TypeVar("Value")
_FRESH_SECONDS = 60
_RECENT_SECONDS = 300
_PERCENT = 100


@dataclass(frozen=True)
class Asked:
    """Seconds since the epoch; `step` in seconds, a multiple of the level's. Without a range `first` is None."""

    now: int
    first: int | None
    step: int

    @property
    def level(self) -> Level:
        """The fine one where the range lies in it and the steps ask for it."""
        recent = self.first is None or self.now - self.first <= FINE.seconds
        return FINE if recent and self.step < COARSE.step else COARSE


def series_view(files: SeriesFiles, app_id: str, measured: Measured, asked: Asked, service: str = "") -> SeriesView:
    """Blocking: reads two files. `service` is that of an instance."""
    usage = usage_series(files.usage(app_id, measured))
    newest = usage.latest()
    points = [] if asked.first is None else usage.between(asked.level, asked.first, asked.now)
    answered = _answered(files, app_id, measured, asked) if measured.kind == "service" else []
    recent = [value for at, value in answered if asked.first is not None or at > asked.now - _RECENT_SECONDS]
    begin = asked.first if asked.first is not None else asked.now - _RECENT_SECONDS
    return SeriesView(
        kind=measured.kind,
        name=measured.name,
        service=measured.name if measured.kind == "service" else service,
        now=_usage_view(*newest, FINE.step) if newest and newest[0] > asked.now - _FRESH_SECONDS else None,
        answers=_answers_view(begin, total(recent), asked.now - begin) if measured.kind == "service" else None,
        points=[_usage_view(at, each, asked.level.step) for at, each in _steps(points, asked.step, mean)],
        answer_points=[_answers_view(at, each, asked.step) for at, each in _steps(answered, asked.step, total)]
        if asked.first is not None
        else [],
    )


def _answered(files: SeriesFiles, app_id: str, measured: Measured, asked: Asked) -> Sequence[tuple[int, Traffic]]:
    series = traffic_series(files.traffic(app_id, measured))
    if asked.first is None:
        return series.between(FINE, asked.now - _RECENT_SECONDS, asked.now)
    return series.between(asked.level, asked.first, asked.now)


def _steps(
    values: Iterable[tuple[int, Value]], step: int, summary: Callable[[list[Value]], Value]
) -> list[tuple[int, Value]]:
    """Several steps of the series as one of those asked for."""
    parts: defaultdict[int, list[Value]] = defaultdict(list)
    for at, value in values:
        parts[at // step * step].append(value)
    return [(at, summary(some)) for at, some in sorted(parts.items())]


def _usage_view(at: int, usage: Usage, step: int) -> UsageView:
    return UsageView(
        at=_moment(at),
        cpu_cores=round(usage.cpu, 4),
        cpu_limit_cores=usage.cpu_limit or None,
        cpu_percent=_share(usage.cpu, usage.cpu_limit),
        memory_bytes=round(usage.memory),
        memory_limit_bytes=round(usage.memory_limit) or None,
        memory_percent=_share(usage.memory, usage.memory_limit),
        network_received=round(usage.received, 1),
        network_sent=round(usage.sent, 1),
        disk_read=round(usage.read, 1),
        disk_written=round(usage.written, 1),
        processes=round(usage.processes),
        instances=round(usage.instances),
        requests_per_second=round(usage.requests / step, 3),
        errors_per_second=round(usage.errors / step, 3),
    )


def _answers_view(at: int, traffic: Traffic, seconds: int) -> AnswersView:
    classes = {f"{number}xx": count for number, count in enumerate(traffic.classes, 1) if count}
    return AnswersView(
        at=_moment(at),
        seconds=seconds,
        requests=traffic.requests,
        statuses=classes,
        mean_ms=_milliseconds(traffic.seconds / traffic.requests if traffic.requests else None),
        p50_ms=_milliseconds(traffic.quantile(0.5)),
        p90_ms=_milliseconds(traffic.quantile(0.9)),
        p95_ms=_milliseconds(traffic.quantile(0.95)),
        p99_ms=_milliseconds(traffic.quantile(0.99)),
    )


def _share(amount: float, limit: float) -> float | None:
    return round(_PERCENT * amount / limit, 1) if limit else None


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
