"""The series of all apps as families of Prometheus: gauges of the newest step, counters since each series began."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import accumulate

from slipyard.api.views.prometheus_text import Family, Labels, Sample
from slipyard.domain.traffic import BOUNDS, Traffic
from slipyard.domain.usage import Consumed, Usage
from slipyard.store.series.files import SeriesFiles
from slipyard.store.series.ring import FINE
from slipyard.store.series.series import Series, traffic_series, usage_series

_FRESH_SECONDS = 60
_EACH = 5  # of 55 bounds a scrape gets 11: each is 3.3 times the one before
Samples = defaultdict[str, list[Sample]]

_GAUGES = (
    ("slipyard_cpu_limit_cores", "cpu_limit", "Processor limit, 0 for none."),
    ("slipyard_memory_bytes", "memory", "Memory in use, without inactive pages of files."),
    ("slipyard_memory_limit_bytes", "memory_limit", "Memory limit, 0 for none."),
    ("slipyard_processes", "processes", "Processes and threads."),
)
_COUNTERS = (
    ("slipyard_cpu_seconds_total", "cpu_seconds", "Processor time."),
    ("slipyard_network_received_bytes_total", "received", "Bytes that came in."),
    ("slipyard_network_sent_bytes_total", "sent", "Bytes that went out."),
    ("slipyard_disk_read_bytes_total", "read", "Bytes read from disks."),
    ("slipyard_disk_written_bytes_total", "written", "Bytes written to disks."),
)
_REQUESTS, _DURATION = "slipyard_requests_total", "slipyard_request_duration_seconds"


def measured_families(
    files: SeriesFiles, apps: Mapping[str, str], services: Mapping[str, str], now: float
) -> list[Family]:
    """`apps` is slug by id, `services` the service by the id of an instance. Blocking: two short reads for each instance, and each service. What was not measured in the
    last minute is left out."""
    found: Samples = defaultdict(list)
    for app_id, slug in apps.items():
        for measured in files.of_app(app_id):
            if measured.kind == "instance":
                labels = {"app": slug, "service": services.get(measured.name, ""), "instance_id": measured.name}
                _add_usage(found, usage_series(files.usage(app_id, measured)), labels, now)
            else:
                labels = {"app": slug, "service": measured.name}
                _add_traffic(found, traffic_series(files.traffic(app_id, measured)), labels)
    return [
        *(Family(name, "gauge", meaning, found[name]) for name, _, meaning in _GAUGES),
        *(Family(name, "counter", meaning, found[name]) for name, _, meaning in _COUNTERS),
        Family(_REQUESTS, "counter", "Answers, by class of status.", found[_REQUESTS]),
        Family(_DURATION, "histogram", "How long answers took.", found[_DURATION]),
    ]


def _add_usage(found: Samples, series: Series[Usage, Consumed], labels: Labels, now: float) -> None:
    totals, newest = series.totals(), series.latest()
    if totals is not None and newest is not None and newest[0] >= now - _FRESH_SECONDS - FINE.step:
        _add_values(found, labels, newest[1], totals[1])


def _add_values(found: Samples, labels: Labels, usage: Usage, total: Consumed) -> None:
    for name, field, _ in _GAUGES:
        found[name].append(Sample(labels, getattr(usage, field)))
    for name, field, _ in _COUNTERS:
        found[name].append(Sample(labels, getattr(total, field)))


def _add_traffic(found: Samples, series: Series[Traffic, Traffic], labels: Labels) -> None:
    totals = series.totals()
    if totals is not None:
        found[_REQUESTS] += _classes(labels, totals[1])
        found[_DURATION] += _histogram(labels, totals[1])


def _classes(labels: Labels, traffic: Traffic) -> Iterable[Sample]:
    for number, count in enumerate(traffic.classes, 1):
        yield Sample({**labels, "status": f"{number}xx"}, count)


def _histogram(labels: Labels, traffic: Traffic) -> Iterable[Sample]:
    upto = list(accumulate(traffic.buckets))
    for number in range(_EACH - 1, len(BOUNDS), _EACH):
        yield Sample({**labels, "le": f"{BOUNDS[number]:.6g}"}, upto[number], "_bucket")
    yield Sample({**labels, "le": "+Inf"}, upto[-1], "_bucket")
    yield Sample(labels, traffic.seconds, "_sum")
    yield Sample(labels, upto[-1], "_count")
