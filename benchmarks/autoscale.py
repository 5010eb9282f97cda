"""Load curves replayed over the very rule that decides how many instances run, beside fixed counts and the Kubernetes HPA.

    python -m benchmarks.autoscale

Simulated: second by second, with what each rule may see and when. Takes some seconds and needs nothing that runs. Writes
`docs/benchmarks/autoscale.md` and `.svg`.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Protocol

import matplotlib as mpl

from slipyard.domain.autoscaling import AutoscaleRules, Bounds, Load, Sample, Standing, decide

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "slipyard"  # the same figures give the same file

from matplotlib import pyplot as plt  # noqa: E402 - the backend comes first

CAPACITY = 50.0  # requests a second that one instance answers with all of its processor limit
START_SECONDS = 3  # from a move to the first request that the new instance answers
STEP = 15
TARGET = 60.0
IN_FLIGHT = 10.0
BOUNDS = Bounds(1, 12)
_PERCENT = 100
_HOUR = 3600
_DIRECTORY = Path(__file__).parents[1] / "docs" / "benchmarks"

Curve = Callable[[int], float]


@dataclass(frozen=True)
class Seen:
    """Means of a step: percent of the processor of each instance, and requests in flight of all together."""

    cpu: float
    in_flight: float


class Policy(Protocol):
    @property
    def name(self) -> str: ...

    def wanted(self, now: int, count: int, seen: "Seen") -> int:
        """Asked after each measured step."""


@dataclass
class Ours:
    name: str = "Slipyard"
    rules: AutoscaleRules = field(default_factory=lambda: AutoscaleRules(targets={Load.CPU: TARGET}))
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=240))
    moved_at: float = -math.inf

    def wanted(self, now: int, count: int, seen: "Seen") -> int:
        self.samples.append(Sample(now, {Load.CPU: seen.cpu * count, Load.CONCURRENCY: seen.in_flight}))
        move = decide(self.rules, BOUNDS, Standing(count, list(self.samples), self.moved_at))
        if move is None:
            return count
        self.moved_at = now
        return move.after


@dataclass
class Kubernetes:
    """The rule of the HorizontalPodAutoscaler with its defaults: each 15 s `ceil(count * value / target)`, a tolerance of
    0.1, up by four or twofold at most in 15 s, down to the most that was recommended within 300 s."""

    name: str = "Kubernetes HPA"
    recommended: deque[tuple[int, int]] = field(default_factory=deque)

    def wanted(self, now: int, count: int, seen: "Seen") -> int:
        ratio = seen.cpu / TARGET
        desired = count if abs(ratio - 1) <= 0.1 else math.ceil(count * ratio)
        self.recommended.append((now, desired))
        while self.recommended[0][0] <= now - 300:
            self.recommended.popleft()
        if desired > count:
            return BOUNDS.held(min(desired, max(count + 4, count * 2)))
        return BOUNDS.held(min(count, max(each for _, each in self.recommended)))


@dataclass
class Fixed:
    count: int

    @property
    def name(self) -> str:
        return f"fixed at {self.count}"

    def wanted(self, now: int, count: int, seen: "Seen") -> int:  # noqa: ARG002 - the protocol's
        return self.count


@dataclass
class Outcome:
    """`late` is the share of requests that waited for more than a second, `cost` in hours of one instance."""

    name: str
    late: float
    longest: float
    cost: float
    moves: int
    counts: Sequence[int]


@dataclass
class Fleet:
    """Instances that serve, and those that come; what nobody had the time for waits in a queue."""

    serving: int
    coming: list[int] = field(default_factory=list)
    queue: float = 0.0

    @property
    def count(self) -> int:
        return self.serving + len(self.coming)

    def set(self, count: int, now: int) -> None:
        if count > self.count:
            self.coming += [now + START_SECONDS] * (count - self.count)
        while count < self.count:
            if self.coming:
                self.coming.pop()
            else:
                self.serving -= 1

    def second(self, now: int, arriving: float) -> tuple[float, float]:
        """(share of the processor that was used, seconds that who arrives now waits)."""
        self.serving += sum(at <= now for at in self.coming)
        self.coming = [at for at in self.coming if at > now]
        able, wanted = self.serving * CAPACITY, self.queue + arriving
        answered = min(able, wanted)
        self.queue = wanted - answered
        return answered / able, self.queue / able


def replay(curve: Curve, seconds: int, policy: Policy) -> Outcome:
    fleet = Fleet(policy.wanted(0, math.ceil(curve(0) / CAPACITY * _PERCENT / TARGET), Seen(TARGET, 0.0)))
    used, waiting = list[float](), list[float]()
    counts, waits, arrived, late, moves = list[int](), list[float](), 0.0, 0.0, 0
    for now in range(1, seconds + 1):
        arriving = curve(now)
        share, wait = fleet.second(now, arriving)
        used.append(share)
        waiting.append(fleet.queue + share * fleet.serving)
        counts.append(fleet.count)
        waits.append(wait)
        arrived += arriving
        late += arriving if wait > 1 else 0.0
        if now % STEP == 0:
            wanted = policy.wanted(now, fleet.count, Seen(fmean(used) * _PERCENT, fmean(waiting)))
            used.clear()
            waiting.clear()
            moves += wanted != fleet.count
            fleet.set(wanted, now)
    return Outcome(policy.name, late / arrived, max(waits), sum(counts) / _HOUR, moves, counts)


def step(now: int) -> float:
    return 40.0 if now < 600 or now > 2400 else 300.0


def spike(now: int) -> float:
    return 400.0 if 1200 <= now % 3600 < 1260 else 40.0


def daily(now: int) -> float:
    day = 0.5 - 0.5 * math.cos(2 * math.pi * now / 86_400)
    return 15 + 360 * day**2 + 10 * math.sin(now / 61)


def flapping(now: int) -> float:
    return 200.0 if (now // 120) % 2 else 60.0


CURVES: Mapping[str, tuple[Curve, int]] = {
    "step": (step, 3600),
    "spike": (spike, 3600),
    "daily": (daily, 86_400),
    "flapping": (flapping, 3600),
}


def main() -> None:
    outcomes = {name: _outcomes(curve, seconds) for name, (curve, seconds) in CURVES.items()}
    text = _text(outcomes)
    _DIRECTORY.mkdir(parents=True, exist_ok=True)
    (_DIRECTORY / "autoscale.md").write_text(text)
    _plot(outcomes, _DIRECTORY / "autoscale.svg")
    print(text)


def _outcomes(curve: Curve, seconds: int) -> list[Outcome]:
    """Fixed counts: for the mean of the curve, and for its peak, both at the target."""
    loads = [curve(now) for now in range(seconds)]
    fixed = [math.ceil(load / CAPACITY * _PERCENT / TARGET) for load in (fmean(loads), max(loads))]
    both = Ours("Slipyard, in flight too", AutoscaleRules(targets={Load.CPU: TARGET, Load.CONCURRENCY: IN_FLIGHT}))
    policies: list[Policy] = [Ours(), both, Kubernetes(), *map(Fixed, fixed)]
    return [replay(curve, seconds, policy) for policy in policies]


def _text(outcomes: Mapping[str, Sequence[Outcome]]) -> str:
    lines = [
        "# Autoscaling",
        "",
        "`python -m benchmarks.autoscale`: simulated, so the same on every machine.",
        f"An instance answers {CAPACITY:g} requests a second and serves {START_SECONDS} s after it was asked for.",
        f"The target is {TARGET:g} % of its processor, between {BOUNDS.least} and {BOUNDS.most} instances.",
        f"Where requests in flight count too, each shall have {IN_FLIGHT:g}: what waits is among them.",
        f"All rules see the mean of each {STEP} s, and have their defaults. What waits is answered later, never dropped.",
        "",
        "| curve | rule | waited over 1 s | longest wait | instance hours | moves |",
        "|---|---|---|---|---|---|",
    ]
    for curve, rows in outcomes.items():
        lines += [
            f"| {curve} | {row.name} | {row.late * _PERCENT:.2f} % | {row.longest:.1f} s | {row.cost:.1f} | {row.moves} |"
            for row in rows
        ]
    return "\n".join([*lines, "", "![instances over time](autoscale.svg)", ""])


def _plot(outcomes: Mapping[str, Sequence[Outcome]], path: Path) -> None:
    figure, every = plt.subplots(len(outcomes), 1, figsize=(9, 2.6 * len(outcomes)))
    for axes, (name, rows) in zip(every, outcomes.items(), strict=True):
        curve, seconds = CURVES[name]
        moments = range(1, seconds + 1, max(1, seconds // 300))
        needed = [curve(now) / CAPACITY * _PERCENT / TARGET for now in moments]
        axes.fill_between(moments, needed, color="0.88", label="needed")
        for row in rows[:3]:
            axes.plot(moments, [row.counts[now - 1] for now in moments], label=row.name)
        axes.set(ylabel="instances", title=name, xlim=(0, seconds), ylim=(0, None))
    every[0].legend()
    every[-1].set_xlabel("seconds")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
