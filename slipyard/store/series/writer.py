"""The one writer of all series: keeps those that it writes to, so that a step costs one open file for each."""

from dataclasses import dataclass, field

from slipyard.domain.traffic import Traffic
from slipyard.domain.usage import Consumed, Usage
from slipyard.store.series.files import Measured, SeriesFiles
from slipyard.store.series.series import Series, traffic_series, usage_series

_Key = tuple[str, Measured]


@dataclass
class SeriesWriter:
    """Blocking. `begin` a step, then write what there is for it, then `end`."""

    files: SeriesFiles
    _moment: int = 0
    _usage: dict[_Key, Series[Usage, Consumed]] = field(default_factory=dict)
    _traffic: dict[_Key, Series[Traffic, Traffic]] = field(default_factory=dict)
    _written: set[_Key] = field(default_factory=set)

    def begin(self, moment: int) -> None:
        self._moment = moment
        self._written.clear()

    def usage(self, app_id: str, measured: Measured, usage: Usage, grown: Consumed) -> None:
        key = (app_id, measured)
        series = self._usage.get(key) or usage_series(self.files.usage(app_id, measured))
        series.record(self._moment, usage, grown)
        self._usage[key] = series
        self._written.add(key)

    def traffic(self, app_id: str, measured: Measured, traffic: Traffic) -> None:
        key = (app_id, measured)
        series = self._traffic.get(key) or traffic_series(self.files.traffic(app_id, measured))
        series.record(self._moment, traffic, traffic)
        self._traffic[key] = series
        self._written.add(key)

    def end(self) -> None:
        """What had no value in this step is read again when it has one."""
        self._usage = {key: each for key, each in self._usage.items() if key in self._written}
        self._traffic = {key: each for key, each in self._traffic.items() if key in self._written}
