"""What a push asks of a ref, and what came of it once it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass

_HEADS, _TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True)
class RefUpdate:
    """`old` or `new` of only zeros: the ref is made or deleted."""

    old: str
    new: str
    ref: str

    @property
    def deletes(self) -> bool:
        return not self.new.strip("0")

    @property
    def branch(self) -> str | None:
        return self.ref.removeprefix(_HEADS) if self.ref.startswith(_HEADS) else None

    def is_taken(self, stored: Mapping[str, str]) -> bool:
        """Whether that was done to the ref: only then it means anything. `stored` is what each ref names."""
        if not self.ref.startswith((_HEADS, _TAGS)):
            return False
        return stored.get(self.ref) == (None if self.deletes else self.new)
