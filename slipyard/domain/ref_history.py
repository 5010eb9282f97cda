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
        head = next((move.commit for move in self.moves if move.decided), None)
        while head is not None and (following := self._decided_after(head)) is not None:
            head = following
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

    def _decided_after(self, head: str) -> str | None:
        """What followed `head`, and did not come before it as well."""
        behind, seen = self.behind(head), {head}
        waiting = [head]
        while waiting:
            for commit in self._after.get(waiting.pop(), ()):
                if commit in self._decided and commit not in behind and commit != head:
                    return commit
                if commit not in seen:
                    seen.add(commit)
                    waiting.append(commit)
        return None

    @cached_property
    def _decided(self) -> set[str]:
        return {move.commit for move in self.moves if move.decided}

    @cached_property
    def _after(self) -> dict[str | None, list[str]]:
        after: dict[str | None, list[str]] = {}
        for commit, previous in self._before.items():
            after.setdefault(previous, []).append(commit)
        return after

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
