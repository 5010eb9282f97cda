"""What every app uses and answers, every 15 seconds: one pass over all containers, then a value in each series."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from slipyard.deployer.access_log import ACCESS_LOG
from slipyard.domain.traffic import Traffic
from slipyard.domain.usage import Consumed, Reading, Usage, consumed
from slipyard.pipeline.context import Context
from slipyard.pipeline.observing.count_requests import PLACE, Answers, Counted, RequestCount
from slipyard.pipeline.observing.read_usage import UsageReader
from slipyard.store.queries.measured import Limits, ReleaseLimits, Subject, limits_of, subjects
from slipyard.store.series.files import Measured, SeriesFiles
from slipyard.store.series.ring import FINE
from slipyard.store.series.writer import SeriesWriter

_UNLIMITED = Limits(0.0, 0)


@dataclass(frozen=True)
class Seen:
    """The last look at a container, on the boot clock."""

    at: float
    reading: Reading


@dataclass(frozen=True)
class Step:
    """What an instance did since the look before."""

    subject: Subject
    usage: Usage
    grown: Consumed


@dataclass
class MeasureWatch:
    """What one pass leaves for the next. A new leader begins without: its first pass only looks."""

    reader: UsageReader = field(default_factory=UsageReader)
    requests: RequestCount | None = None
    writer: SeriesWriter | None = None
    step: int = 0
    seen: dict[str, Seen] = field(default_factory=dict)  # by container
    limits: dict[str, ReleaseLimits] = field(default_factory=dict)  # by release
    routed: dict[str, str] = field(default_factory=dict)  # the service that gets an app's requests


async def measure(context: Context, watch: MeasureWatch) -> None:
    """One pass. Requests are counted at each, the rest once in a step."""
    requests = await _requests(context, watch)
    await asyncio.to_thread(requests.look)
    step = FINE.begin(context.clock.now().timestamp())
    if step != watch.step:
        watch.step = step
        await take_step(context, watch, step)


async def take_step(context: Context, watch: MeasureWatch, moment: int) -> None:
    """Looks at every container and writes what came of the step that begins at `moment`."""
    rows = await context.database.reading(subjects)
    await _learn_limits(context, watch, rows)
    readings = await watch.reader.read(context.engine, [row.container_id for row in rows])
    requests = await _requests(context, watch)
    counted = requests.take()
    steps = _steps(watch, rows, readings, counted, context.clock.monotonic())
    writer = watch.writer = watch.writer or SeriesWriter(SeriesFiles(context.layout.metrics))
    await asyncio.to_thread(_write, writer, moment, steps, counted.traffic(), watch.routed)
    await asyncio.to_thread(requests.remember)


async def _requests(context: Context, watch: MeasureWatch) -> RequestCount:
    if watch.requests is None:
        log, place = context.layout.logs / ACCESS_LOG, context.layout.metrics / PLACE
        watch.requests = await asyncio.to_thread(RequestCount, log, place)
    return watch.requests


async def _learn_limits(context: Context, watch: MeasureWatch, rows: Sequence[Subject]) -> None:
    """An app whose instances are all gone is still asked: its routed service stays known."""
    wanted = {row.release_id for row in rows}
    unknown = wanted - watch.limits.keys()
    learnt = await context.database.reading(lambda session: limits_of(session, unknown)) if unknown else {}
    watch.limits = {key: limits for key, limits in (watch.limits | learnt).items() if key in wanted}
    for row in rows:
        release = watch.limits.get(row.release_id)
        if release is not None and release.routed is not None:
            watch.routed[row.app_id] = release.routed


def _steps(
    watch: MeasureWatch, rows: Iterable[Subject], readings: Mapping[str, Reading], counted: Counted, now: float
) -> list[Step]:
    """Of all that was seen before, too."""
    before, watch.seen = watch.seen, {key: Seen(now, reading) for key, reading in readings.items()}
    found = []
    for row in rows:
        last, reading = before.get(row.container_id), readings.get(row.container_id)
        if last is not None and reading is not None and now > last.at:
            grown = consumed(last.reading, reading)
            answers = counted.by_upstream.get(f"{row.address}:{row.port}", Answers())
            found.append(Step(row, _usage(reading, grown, now - last.at, _limits(watch, row), answers), grown))
    return found


def _limits(watch: MeasureWatch, row: Subject) -> Limits:
    release = watch.limits.get(row.release_id)
    return release.by_service.get(row.service, _UNLIMITED) if release else _UNLIMITED


def _usage(reading: Reading, grown: Consumed, seconds: float, limits: Limits, answers: Answers) -> Usage:
    return Usage(
        cpu=grown.cpu_seconds / seconds,
        cpu_limit=limits.cpu,
        memory=reading.memory_bytes,
        memory_limit=limits.memory,
        received=grown.received / seconds,
        sent=grown.sent / seconds,
        read=grown.read / seconds,
        written=grown.written / seconds,
        processes=reading.processes,
        instances=1,
        requests=answers.requests,
        errors=answers.errors,
    )


def _write(
    writer: SeriesWriter,
    moment: int,
    steps: Sequence[Step],
    traffic: Mapping[str, Traffic],
    routed: Mapping[str, str],
) -> None:
    """Of each instance; of each service, the sum of its current instances and the requests that none of them got; of answers."""
    writer.begin(moment)
    services: defaultdict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        if step.subject.is_current:
            services[step.subject.app_id, step.subject.service].append(step)
        writer.usage(step.subject.app_id, Measured("instance", step.subject.id), step.usage, step.grown)
    for (app_id, service), parts in services.items():
        answers = traffic.get(app_id, Traffic()) if service == routed.get(app_id) else Traffic()
        usage = sum((part.usage for part in parts), Usage())
        usage = replace(usage, requests=answers.requests, errors=answers.errors)
        writer.usage(app_id, Measured("service", service), usage, sum((part.grown for part in parts), Consumed()))
    for app_id in traffic.keys() & routed.keys():
        writer.traffic(app_id, Measured("service", routed[app_id]), traffic[app_id])
    writer.end()
