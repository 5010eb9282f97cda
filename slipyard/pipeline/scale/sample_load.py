"""What the instances of a service did in the last measured step, as the loads that autoscaling knows."""

from pathlib import Path

from slipyard.domain.autoscaling import Load, Sample
from slipyard.domain.usage import Usage
from slipyard.store.series.files import Measured, SeriesFiles
from slipyard.store.series.ring import FINE
from slipyard.store.series.series import traffic_series, usage_series

_FRESH_SECONDS = 60
_PERCENT = 100


def sample_load(metrics: Path, app_id: str, service: str, now: float) -> Sample | None:
    """None where nothing was measured lately. Blocking."""
    files, measured = SeriesFiles(metrics), Measured("service", service)
    newest = usage_series(files.usage(app_id, measured)).latest()
    if newest is None or newest[0] < now - _FRESH_SECONDS:
        return None
    moment, usage = newest
    traffic = traffic_series(files.traffic(app_id, measured)).between(FINE, moment, moment)
    busy_seconds = sum(each.seconds for _, each in traffic)  # of all requests that ended in this step
    return Sample(
        float(moment + FINE.step),
        {
            **_of_limits(usage),
            Load.REQUESTS: usage.requests / FINE.step,
            Load.CONCURRENCY: busy_seconds / FINE.step,
        },
    )


def _of_limits(usage: Usage) -> dict[Load, float]:
    """Percent of one instance's limit, summed over all of them. What has no limit is no load."""
    shares = {Load.CPU: (usage.cpu, usage.cpu_limit), Load.MEMORY: (usage.memory, usage.memory_limit)}
    return {load: _PERCENT * used * usage.instances / limit for load, (used, limit) in shares.items() if limit}
