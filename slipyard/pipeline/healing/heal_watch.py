"""What the healer remembers from pass to pass. Each leader begins with nothing, and so looks at everything once."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from slipyard.domain.healing import MOST_BACKOFF_SECONDS

WHOLE_SECONDS = 5.0
# A leader that begins, or has missed what the engine said, looks closely at so many containers with each whole pass.
_CLOSE_LOOKS = 40


@dataclass
class HealWatch:
    """`not_before` and `failures` by instance, or by place where none is there. `examined` and `known` hold containers,
    each for a deployment: those that were as they should be, of which nothing was reported since, and those that were
    looked at closely before. `copies` are containers that others made of ours."""

    not_before: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    examined: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    copies: set[str] = field(default_factory=set)
    mourned: set[str] = field(
        default_factory=set
    )  # instances whose end is written down, and that were not started since
    refused: set[str] = field(default_factory=set)  # instances that the engine refused to start the last time
    # Of a release that is scaled so, by service: it never changes.
    replicas: dict[tuple[str, int | None], Mapping[str, int]] = field(default_factory=dict)
    coming: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    whole_at: float | None = None
    heard: bool = False
    looks_left: int = 0

    def begin(self, now: float, *, changed: bool, heard: bool) -> bool:
        """Whether this pass looks at everything. Once the engine is heard again, nobody knows what it said meanwhile."""
        if heard and not self.heard:
            self.examined.clear()
        self.heard, self.looks_left = heard, _CLOSE_LOOKS
        whole = not changed or self.whole_at is None or now - self.whole_at >= WHOLE_SECONDS
        self.whole_at = now if whole else self.whole_at
        return whole

    def may_start(self, key: str, now: float) -> bool:
        return now >= self.not_before.get(key, 0.0)

    def started(self, key: str, now: float) -> None:
        """Each start in a row waits twice as long as the one before: a crash loop must not eat the machine."""
        failures = self.failures[key] = self.failures.get(key, 0) + 1
        self.not_before[key] = now + min(2.0**failures, MOST_BACKOFF_SECONDS)

    def gone(self, instance_ids: Collection[str]) -> None:
        """Their containers were removed to the end: what the engine refused because of that it does now."""
        for key in self.refused.intersection(instance_ids):
            self.not_before.pop(key, None)

    def well(self, key: str, now: float) -> None:
        if now > self.not_before.get(key, 0.0):
            self.failures.pop(key, None)
            self.not_before.pop(key, None)

    def may_look_closely(self) -> bool:
        self.looks_left -= 1
        return self.looks_left >= 0

    def forget_others(self, containers: Collection[str]) -> None:
        for memory in (self.examined, self.known):
            for container_id in memory.keys() - containers:
                del memory[container_id]
        self.copies.intersection_update(containers)
