"""One series: what is measured at each step, what five minutes of it come to, and what was counted altogether."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from slipyard.domain.traffic import Traffic, total
from slipyard.domain.usage import Consumed, Usage, mean
from slipyard.store.series.codec import Codec, TrafficCodec, UsageCodec
from slipyard.store.series.ring import COARSE, FINE, Level, Ring

Value = TypeVar("Value")
Total = TypeVar("Total")


class Series(Generic[Value, Total]):
    """Blocking. One writer, who keeps its `Series`; readers make one of their own whenever they look.

    Five minutes are summed up when a later one begins, also after the writer was away, and by readers for the newest.
    """

    def __init__(
        self,
        path: Path,
        codec: Codec[Value, Total],
        summary: Callable[[list[Value]], Value],
        add: Callable[[Total, Total], Total],
        nothing: Total,
    ) -> None:
        self._ring = Ring(str(path), codec.payload)
        self._codec = codec
        self._summary = summary
        self._add = add
        self._nothing = nothing
        self._written: tuple[int, Total] | None = None

    def record(self, moment: int, value: Value, grown: Total) -> None:
        """`moment` is the begin of a fine step; `grown` is what was counted since the value before."""
        last, before = self._written or self.totals() or (moment, self._nothing)
        totals = self._add(before, grown)
        over = self._summed_up(COARSE.begin(last)) if COARSE.begin(last) < COARSE.begin(moment) else {}
        coarse = {begin: self._codec.pack(each) for begin, each in over.items()}
        self._ring.write(moment, self._codec.pack(value), self._codec.pack_total(totals), coarse)
        self._written = (moment, totals)

    def totals(self) -> tuple[int, Total] | None:
        """(the last step that was written, what was counted since the series began)."""
        found = self._ring.totals()
        return None if found is None else (found[0], self._codec.unpack_total(found[1]))

    def latest(self) -> tuple[int, Value] | None:
        found = self._ring.totals()
        values = [] if found is None else self.between(FINE, found[0], found[0])
        return values[0] if values else None

    def between(self, level: Level, first: int, last: int) -> list[tuple[int, Value]]:
        """Steps that begin from `first` to `last`, oldest first; those in which nothing was measured are left out."""
        found = {moment: self._codec.unpack(data) for moment, data in self._ring.read(level, first, last)}
        newest = self._ring.totals() if level is COARSE else None
        if newest is not None and level.begin(first) <= (begin := level.begin(newest[0])) <= last:
            found = {**self._summed_up(begin), **found}
        return sorted(found.items(), key=lambda item: item[0])

    def _summed_up(self, begin: int) -> dict[int, Value]:
        """Five minutes from their fine steps; empty where nothing was measured, or too long ago."""
        fine = self._ring.read(FINE, begin, begin + COARSE.step - FINE.step)
        return {begin: self._summary([self._codec.unpack(data) for _, data in fine])} if fine else {}


def usage_series(path: Path) -> Series[Usage, Consumed]:
    return Series(path, UsageCodec(), mean, Consumed.__add__, Consumed())


def traffic_series(path: Path) -> Series[Traffic, Traffic]:
    return Series(path, TrafficCodec(), total, lambda one, other: total((one, other)), Traffic())
