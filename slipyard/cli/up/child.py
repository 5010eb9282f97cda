"""What the supervisor knows of one child."""

from collections.abc import Callable
from dataclasses import dataclass, field

from slipyard.cli.up.backoff import Backoff
from slipyard.cli.up.identity import Identity


@dataclass
class Child:
    """`start` takes the descriptor for output and returns a pid. `adopt` finds one that survived an earlier supervisor."""

    name: str
    start: Callable[[int], int]
    adopt: Callable[[], Identity | None] | None = None
    comes_back: bool = True
    outlives: bool = False  # a service: ending the supervisor leaves it
    on_exit: Callable[[int], None] | None = None

    pid: int | None = None
    since: float = 0.0
    due: float | None = None  # when it is started again
    deaths: int = 0
    watched: int | None = None  # pidfd of one that is not our own child
    backoff: Backoff = field(default_factory=Backoff)
