"""Answers of an app by status class, and how long they took: counts that can be added, so that quantiles stay true."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Each bound is 27 % above the one before: 0.5 ms to 203 s. Within a bucket a quantile is off by 13 % at the most.
BOUNDS = tuple(0.0005 * 1.27**power for power in range(55))
BUCKETS = len(BOUNDS) + 1  # the last one has no upper bound
CLASSES = 5  # 1xx to 5xx
_CLASS_SIZE = 100


@dataclass(frozen=True)
class Traffic:
    """`classes` counts 1xx to 5xx, `buckets` the answers up to each bound; `seconds` is the sum of all durations."""

    classes: tuple[int, ...] = (0,) * CLASSES
    buckets: tuple[int, ...] = (0,) * BUCKETS
    seconds: float = 0.0

    @property
    def requests(self) -> int:
        return sum(self.classes)

    @property
    def errors(self) -> int:
        return self.classes[-1]

    def quantile(self, share: float) -> float | None:
        """Seconds within which this share was answered, interpolated in its bucket; None without an answer."""
        wanted, seen = share * sum(self.buckets), 0
        for number, count in enumerate(self.buckets):
            if count and seen + count >= wanted:
                return _between(number, (wanted - seen) / count)
            seen += count
        return None


class TrafficCount:
    """A `Traffic` that grows."""

    def __init__(self) -> None:
        self._classes = [0] * CLASSES
        self._buckets = [0] * BUCKETS
        self._seconds = 0.0

    def add(self, status: int, seconds: float) -> None:
        self._classes[min(max(status // _CLASS_SIZE, 1), CLASSES) - 1] += 1
        self._buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    def value(self) -> Traffic:
        return Traffic(tuple(self._classes), tuple(self._buckets), self._seconds)


def total(parts: Iterable[Traffic]) -> Traffic:
    given = list(parts) or [Traffic()]
    return Traffic(
        _summed([part.classes for part in given]),
        _summed([part.buckets for part in given]),
        math.fsum(part.seconds for part in given),
    )


def _summed(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*rows, strict=True)))


def _between(number: int, share: float) -> float:
    """Buckets grow by a factor, so the way through one is logarithmic. The last one is given at its lower bound."""
    if number == 0:
        return BOUNDS[0] * share
    low = BOUNDS[number - 1]
    return low if number == len(BOUNDS) else float(low * (BOUNDS[number] / low) ** share)
