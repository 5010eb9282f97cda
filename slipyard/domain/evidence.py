"""When a new release is worse than the one before: counted answers, by the instance that gave them."""

from collections.abc import Mapping
from dataclasses import dataclass

# So few may be chance, whatever their share.
_LEAST_ERRORS = 3
_WORSE_BY = 0.05  # of all answers


@dataclass(frozen=True)
class Answers:
    """`errors` are those of status 5xx."""

    total: int = 0
    errors: int = 0

    def __add__(self, other: "Answers") -> "Answers":
        return Answers(self.total + other.total, self.errors + other.errors)

    @property
    def share(self) -> float:
        return self.errors / self.total if self.total else 0.0

    def __str__(self) -> str:
        return f"{self.errors} of {self.total} ({self.share:.0%})"


def complaint(new: Mapping[str, Answers], old: Mapping[str, Answers]) -> str | None:
    """By the name of the instance. None where the new ones do not answer clearly worse than the old ones: an outage of
    what both stand on is not the release's fault."""
    ours, theirs = sum(new.values(), Answers()), sum(old.values(), Answers())
    if ours.errors < _LEAST_ERRORS or ours.share < theirs.share + _WORSE_BY:
        return None
    each = ", ".join(f"{name}: {answers}" for name, answers in sorted(new.items()) if answers.errors)
    return f"the new instances answered {ours} with a 5xx ({each}), the old ones {theirs}"
