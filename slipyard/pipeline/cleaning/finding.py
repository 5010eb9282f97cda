"""A thing that was found, and the verb that removes it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from slipyard.domain.cleaning import CleaningItem
from slipyard.pipeline.cleaning.survey import Survey

Remove = Callable[[], Awaitable[int | None]]


@dataclass(frozen=True)
class Finding:
    """`remove` decides once more, and answers how many bytes went, or None where it was left after all. What has no
    `remove` stays."""

    item: CleaningItem
    remove: Remove | None = None


Look = Callable[[Survey], Awaitable[list[Finding]]]
