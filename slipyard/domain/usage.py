"""What a container uses: counters as the kernel keeps them, and what lies between two looks at them."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import add, attrgetter


@dataclass(frozen=True)
class Reading:
    """One look at one container. Bytes and seconds count from its start; None where nobody can say."""

    cpu_seconds: float
    memory_bytes: int
    processes: int
    received: int | None = None
    sent: int | None = None
    read: int | None = None
    written: int | None = None


@dataclass(frozen=True)
class Consumed:
    """Since the last look: processor seconds and bytes."""

    cpu_seconds: float = 0.0
    received: float = 0.0
    sent: float = 0.0
    read: float = 0.0
    written: float = 0.0

    def __add__(self, other: "Consumed") -> "Consumed":
        return Consumed(*map(add, self.numbers, other.numbers))

    @property
    def numbers(self) -> tuple[float, ...]:
        """In the order of the fields."""
        return _CONSUMED(self)


@dataclass(frozen=True)
class Usage:
    """Of one step in time. `cpu` in cores, `memory` in bytes; network and disk in bytes a second; `requests` and `errors`
    (5xx) are counts. A limit of 0 is none."""

    cpu: float = 0.0
    cpu_limit: float = 0.0
    memory: float = 0.0
    memory_limit: float = 0.0
    received: float = 0.0
    sent: float = 0.0
    read: float = 0.0
    written: float = 0.0
    processes: float = 0.0
    instances: float = 0.0
    requests: float = 0.0
    errors: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*map(add, self.numbers, other.numbers))

    @property
    def numbers(self) -> tuple[float, ...]:
        """In the order of the fields."""
        return _USAGE(self)


# A pass over a thousand instances packs and adds thousands of these: `dataclasses.astuple` would take most of its time.
_CONSUMED: Callable[[Consumed], tuple[float, ...]] = attrgetter(*(each.name for each in fields(Consumed)))
_USAGE: Callable[[Usage], tuple[float, ...]] = attrgetter(*(each.name for each in fields(Usage)))
_COUNTED = ("requests", "errors")


def consumed(before: Reading, now: Reading) -> Consumed:
    """A counter that went back began anew with the container."""
    return Consumed(*(_grown(getattr(before, each.name), getattr(now, each.name)) for each in fields(Consumed)))


def mean(usages: list[Usage]) -> Usage:
    """Of several steps as of one: averages, and sums of what is counted."""
    total = sum(usages, Usage())
    return Usage(
        **{
            each.name: getattr(total, each.name) / (1 if each.name in _COUNTED else len(usages))
            for each in fields(Usage)
        }
    )


def _grown(before: float | None, now: float | None) -> float:
    if before is None or now is None:
        return 0.0
    return float(now - before if now >= before else now)
