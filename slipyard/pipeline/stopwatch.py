"""Times the stages of a build or a deployment as spans."""

from collections.abc import Iterator
from contextlib import contextmanager

from slipyard.domain.clock import Clock
from slipyard.domain.span import Span


class Stopwatch:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.spans: list[Span] = []

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Kept also where the stage fails: that is when people ask where the time went."""
        started_at, start = self._clock.now(), self._clock.monotonic()
        try:
            yield
        finally:
            milliseconds = (self._clock.monotonic() - start) * 1000
            self.spans.append(Span(name=name, started_at=started_at, milliseconds=round(milliseconds, 1)))
