"""Where a ref stood, by what its senders said, in whatever order they were heard: no clock and no mirror is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Move:
    """`decided`: it was turned into a build, skipped or held. `passed_over`: a rule of the app left it where it was."""

    commit: str
    previous: str | None
    decided: bool = True
    passed_over: bool = False


@dataclass(frozen=True)
class RefHistory:
    """`moves` as they were heard, the newest first."""

    moves: Sequence[Move]

    def with_move(self, commit: str, previous: str | None) -> "RefHistory":
        """With what is known of a move that is not decided yet."""
        return RefHistory([Move(commit, previous, decided=False), *self.moves])

    @cached_property
    def head(self) -> str | None:
        """Of what was decided, what came last: the newest heard, unless another is known to have followed it.

        Where a ref was moved back, each of its commits followed the other: then what was heard last counts.
        """
        decided = [move.commit for move in self.moves if move.decided]
        head = decided[0] if decided else None
        for commit in reversed(decided):
            if head is not None and head in self.behind(commit) and commit not in self.behind(head):
                head = commit
        return head

    def behind(self, commit: str) -> set[str]:
        """Where the ref had been before it came to `commit`."""
        seen: set[str] = set()
        at = self._before.get(commit)
        while at is not None and at not in seen:
            seen.add(at)
            at = self._before.get(at)
        return seen

    def continues(self, previous: str | None) -> bool:
        """Whether a move that began at `previous` began where the ref is known to stand."""
        return previous is not None and previous in {self.head, *self._passed_over_since_head()}

    def is_late(self, commit: str, previous: str | None) -> bool:
        known = self.with_move(commit, previous)
        return known.head is not None and commit in known.behind(known.head) and not known.continues(previous)

    @cached_property
    def _before(self) -> dict[str, str | None]:
        """The newest word about each commit."""
        return {move.commit: move.previous for move in reversed(self.moves)}

    def _passed_over_since_head(self) -> set[str]:
        since = set[str]()
        for move in self.moves:
            if move.decided:
                break
            if move.passed_over:
                since.add(move.commit)
        return since
