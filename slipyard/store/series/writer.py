"""The one writer of all series: keeps those that it writes to, so that a step costs one open file for each."""

from dataclasses import dataclass, field
from pathlib import Path

from slipyard.domain.traffic import Traffic
from slipyard.domain.usage import Consumed, Usage
from slipyard.store.series.files import Measured, SeriesFiles
from slipyard.store.series.series import Series, traffic_series, usage_series


@dataclass
class SeriesWriter:
    """Blocking. `begin` a step, then write what there is for it, then `end`."""

    files: SeriesFiles
    _moment: int = 0
    _usage: dict[Path, Series[Usage, Consumed]] = field(default_factory=dict)
    _traffic: dict[Path, Series[Traffic, Traffic]] = field(default_factory=dict)
    _written: set[Path] = field(default_factory=set)

    def begin(self, moment: int) -> None:
        self._moment = moment
        self._written.clear()

    def usage(self, app_id: str, measured: Measured, usage: Usage, grown: Consumed) -> None:
        path = self.files.usage(app_id, measured)
        series = self._usage.get(path) or self._usage.setdefault(path, usage_series(path))
        series.record(self._moment, usage, grown)
        self._written.add(path)

    def traffic(self, app_id: str, measured: Measured, traffic: Traffic) -> None:
        path = self.files.traffic(app_id, measured)
        series = self._traffic.get(path) or self._traffic.setdefault(path, traffic_series(path))
        series.record(self._moment, traffic, traffic)
        self._written.add(path)

    def end(self) -> None:
        """What had no value in this step is read again when it has one."""
        self._usage = {path: each for path, each in self._usage.items() if path in self._written}
        self._traffic = {path: each for path, each in self._traffic.items() if path in self._written}
