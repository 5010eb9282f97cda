"""How many instances an app needs, from what they were seen to do. Pure: what it decides depends on its arguments alone.

The need of one moment is `sum of the load / target`, rounded up, of the measure that needs most. Up goes at once to what the
mean of `up_seconds` needs; down only to the most that was needed at any moment of `down_seconds`, so that a load which
comes and goes does not take instances away that it needs again. Within `tolerance` of the target nothing moves. A processor
that is used up does not say how much more is asked of it: then twice as many.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean
from typing import Annotated

from pydantic import AfterValidator, Field

from slipyard.domain.values import Value

_USED_UP = 95.0  # percent: more is rarely measured, whatever is asked
_NEARLY = 1e-9  # what a division leaves of a whole number is not one more instance


class Load(StrEnum):
    CPU = "cpu"  # target: percent of the processor limit of an instance
    MEMORY = "memory"  # target: percent of its memory limit
    CONCURRENCY = "concurrency"  # target: requests in flight for each instance, websockets among them
    REQUESTS = "requests"  # target: requests a second for each instance


def _in_range(targets: dict[Load, float]) -> dict[Load, float]:
    for load, target in targets.items():
        if not 0 < target <= _MOST[load]:
            raise ValueError(f"a target of {target:g} for {load} is not above 0 and at most {_MOST[load]}")
    return targets


_MOST = {Load.CPU: 100, Load.MEMORY: 100, Load.CONCURRENCY: 100_000, Load.REQUESTS: 1_000_000}
Targets = Annotated[dict[Load, float], Field(min_length=1), AfterValidator(_in_range)]


class AutoscaleRules(Value):
    targets: Targets = Field(description="For each instance; the one that needs most decides")
    tolerance: float = Field(0.1, ge=0, le=1, description="Share of a target within which nothing moves")
    up_seconds: float = Field(15.0, ge=15, le=3600, description="Load of so long decides about more instances")
    down_seconds: float = Field(300.0, ge=15, le=3600, description="Nothing needed more for so long: fewer")


@dataclass(frozen=True)
class Sample:
    """What all instances together did at `at`, seconds on any clock: by load, in the unit of its target. 150 of `cpu` are
    three instances at half of their limit each."""

    at: float
    loads: Mapping[Load, float]


@dataclass(frozen=True)
class Bounds:
    least: int
    most: int

    def held(self, count: int) -> int:
        return min(max(count, self.least), self.most)


@dataclass(frozen=True)
class Move:
    before: int
    after: int
    reason: str

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}: {self.reason}"


@dataclass(frozen=True)
class Standing:
    """`samples` from old to new, the last one is now. `moved_at` is when the count last changed, on their clock."""

    count: int
    samples: Sequence[Sample]
    moved_at: float = -math.inf

    @property
    def now(self) -> float:
        return self.samples[-1].at

    def since(self, seconds: float) -> list[Sample]:
        """What came after the last move, too: before it the load was shared by others."""
        begin = max(self.now - seconds, self.moved_at)
        return [each for each in self.samples if each.at > begin]

    def rests(self, seconds: float) -> bool:
        """Whether it was watched for so long without a move."""
        begin = self.now - seconds
        return self.samples[0].at <= begin and self.moved_at <= begin


@dataclass(frozen=True)
class _Need:
    count: int
    load: Load
    each: float  # what falls to each instance now


def decide(rules: AutoscaleRules, bounds: Bounds, standing: Standing) -> Move | None:
    """None: stay."""
    count = standing.count
    if (within := bounds.held(count)) != count:
        return Move(count, within, f"between {bounds.least} and {bounds.most} instances are allowed")
    if not standing.samples:
        return None
    return _up(rules, bounds, standing) or _down(rules, bounds, standing)


def _up(rules: AutoscaleRules, bounds: Bounds, standing: Standing) -> Move | None:
    if not standing.rests(rules.up_seconds):
        return None
    need = _need(rules, standing.count, _mean(standing.since(rules.up_seconds)))
    return _move(rules, bounds, standing.count, need, rules.up_seconds) if need.count > standing.count else None


def _down(rules: AutoscaleRules, bounds: Bounds, standing: Standing) -> Move | None:
    if not standing.rests(rules.down_seconds):
        return None
    moments = standing.since(rules.down_seconds)
    most = max((_need(rules, standing.count, each.loads) for each in moments), key=lambda each: each.count)
    return _move(rules, bounds, standing.count, most, rules.down_seconds) if most.count < standing.count else None


def _need(rules: AutoscaleRules, count: int, loads: Mapping[Load, float]) -> _Need:
    """Of the load that needs most. What was not measured needs what there is, so that nobody is taken away blindly."""
    needs = [_need_of(load, target, rules.tolerance, count, loads.get(load)) for load, target in rules.targets.items()]
    return max(needs, key=lambda each: each.count)


def _need_of(load: Load, target: float, tolerance: float, count: int, amount: float | None) -> _Need:
    if amount is None:
        return _Need(count, load, 0.0)
    each = amount / max(count, 1)
    if count and abs(each / target - 1) <= tolerance:
        return _Need(count, load, each)
    wanted = math.ceil(amount / target - _NEARLY)
    return _Need(max(wanted, 2 * count) if load is Load.CPU and each >= _USED_UP else wanted, load, each)


def _move(rules: AutoscaleRules, bounds: Bounds, count: int, need: _Need, seconds: float) -> Move | None:
    after = bounds.held(need.count)
    if after == count:
        return None
    most = "" if after > count else "at most "
    target = rules.targets[need.load]
    return Move(count, after, f"{most}{need.each:.3g}{_UNITS[need.load]} of a target of {target:g} over {seconds:g} s")


def _mean(samples: Sequence[Sample]) -> dict[Load, float]:
    """Of each load over the samples that know it."""
    known = {load for sample in samples for load in sample.loads}
    return {load: fmean(each.loads[load] for each in samples if load in each.loads) for load in known}


_UNITS = {
    Load.CPU: " % CPU",
    Load.MEMORY: " % memory",
    Load.CONCURRENCY: " requests in flight",
    Load.REQUESTS: " requests/s",
}
