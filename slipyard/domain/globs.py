"""Globs over names with slashes: `*` and `?` stay within a part, `**` crosses `/`, `[a-c]` is one of, `!` negates.

Matched in one pass over the pattern, whatever it says: nobody's pattern can hold up the program, as a regular expression
made of it could. A set of positions in the text is one integer; bit i says that the first i characters are matched.
"""

from collections.abc import Iterable, Sequence

_ANY_PARTS, _ANY, _WITHIN, _ONE = "**/", "**", "*", "?"
_WILD = frozenset("*?[")


def last_match(patterns: Sequence[str], text: str) -> str | None:
    """The pattern that decides, with its `!`; None where none matches."""
    places = _Places(text)
    for pattern in reversed(patterns):
        if places.all_matched_by(pattern.removeprefix("!")):
            return pattern
    return None


def is_chosen(patterns: Sequence[str], text: str) -> bool:
    """The last match wins. Where the first pattern negates, what no pattern matches is chosen."""
    found = last_match(patterns, text)
    if found is None:
        return bool(patterns) and patterns[0].startswith("!")
    return not found.startswith("!")


def is_literal(pattern: str) -> bool:
    return not _WILD & set(pattern)


class _Places:
    """Where in a text which characters stand."""

    def __init__(self, text: str) -> None:
        self._end = 1 << len(text)
        self._of: dict[str, int] = {}
        for index, sign in enumerate(text):
            self._of[sign] = self._of.get(sign, 0) | 1 << index
        self._slash = self._of.get("/", 0)
        self._within = (self._end - 1) ^ self._slash

    def all_matched_by(self, pattern: str) -> bool:
        reached = 1
        for token in _tokens(pattern):
            reached = self._step(reached, token)
            if not reached:
                return False
        return bool(reached & self._end)

    def _step(self, reached: int, token: str | frozenset[str]) -> int:
        if isinstance(token, frozenset):
            return (reached & self._any_of(token)) << 1
        lowest = reached & -reached
        if token == _ANY_PARTS:
            return reached | (self._slash << 1 & -(lowest << 1))
        if token == _ANY:
            return (self._end << 1) - lowest
        if token == _WITHIN:  # an addition carries each position to the end of its part
            return (((reached & self._within) + self._within) ^ self._within) | reached
        return (reached & self._within) << 1

    def _any_of(self, signs: Iterable[str]) -> int:
        found = 0
        for sign in signs:
            found |= self._of.get(sign, 0)
        return found


def _tokens(pattern: str) -> list[str | frozenset[str]]:
    """Wildcards as text, characters as the set of those that may stand there."""
    tokens: list[str | frozenset[str]] = []
    at = 0
    while at < len(pattern):
        token, at = _token(pattern, at)
        tokens.append(token)
    return tokens


def _token(pattern: str, at: int) -> tuple[str | frozenset[str], int]:
    sign = pattern[at]
    if sign == "\\" and at + 1 < len(pattern):
        return frozenset(pattern[at + 1]), at + 2
    if sign == "*":
        return _stars(pattern, at)
    if sign == "[":
        return _class(pattern, at)
    return (_ONE if sign == "?" else frozenset(sign)), at + 1


def _stars(pattern: str, at: int) -> tuple[str, int]:
    end = at
    while end < len(pattern) and pattern[end] == "*":
        end += 1
    if end - at == 1:
        return _WITHIN, end
    whole_part = (at == 0 or pattern[at - 1] == "/") and pattern[end : end + 1] == "/"
    return (_ANY_PARTS, end + 1) if whole_part else (_ANY, end)


def _class(pattern: str, at: int) -> tuple[frozenset[str], int]:
    """`[abc]` and `[0-9]`; a bracket that is never closed is itself."""
    end = pattern.find("]", at + 2)
    if end < 0:
        return frozenset("["), at + 1
    inner, signs = pattern[at + 1 : end], set[str]()
    while inner:
        if len(inner) > 2 and inner[1] == "-":  # noqa: PLR2004 - from, hyphen, to
            signs |= {chr(code) for code in range(ord(inner[0]), min(ord(inner[2]), ord(inner[0]) + 255) + 1)}
            inner = inner[3:]
        else:
            signs.add(inner[0])
            inner = inner[1:]
    return frozenset(signs), end + 1
