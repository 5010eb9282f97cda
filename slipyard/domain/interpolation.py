"""`${VARIABLE}` in a compose file, by the rules of the Compose Specification; never from the environment of a process.

`$NAME`, `${NAME}`; `${NAME-default}` and `${NAME:-default}`; `${NAME?sentence}` and `${NAME:?sentence}` refuse;
`${NAME+other}` and `${NAME:+other}`; with a colon what is empty counts as not set. Defaults may hold further ones.
`$$` is a dollar sign.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Lookup = Callable[[str], str | None]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")
_MOST_DEPTH = 20


class BadInterpolation(ValueError):
    """Its text is the end of a sentence that begins with where it stands. It never holds a value."""


@dataclass(frozen=True)
class _Variable:
    """`word` is what stands behind the operator, `written` the same before it was read."""

    name: str
    operator: str = ""
    word: "tuple[_Variable | str, ...]" = ()
    written: str = ""


_Parts = tuple[_Variable | str, ...]


def interpolate(text: str, lookup: Lookup) -> str:
    """`lookup` gives None for what is not set. `BadInterpolation` for what cannot be read, or is required and not there."""
    return _filled(_parse(text), lookup) if "$" in text else text


def blank_in(text: str, lookup: Lookup) -> set[str]:
    """Variables that are not set, and whose place stays empty without anybody having said so."""
    return set(_blank(_parse(text), lookup)) if "$" in text else set()


def _filled(parts: _Parts, lookup: Lookup) -> str:
    return "".join(part if isinstance(part, str) else _value(part, lookup) for part in parts)


def _value(variable: _Variable, lookup: Lookup) -> str:
    value, operator = lookup(variable.name), variable.operator
    given = value if value or ":" not in operator else None
    if operator.endswith("+"):
        return "" if given is None else _filled(variable.word, lookup)
    if given is not None:
        return given
    if operator.endswith("?"):
        why = f": {variable.written[:200]}" if variable.written else ""
        raise BadInterpolation(f"needs the variable {variable.name}, which is not set{why}")
    return _filled(variable.word, lookup)


def _blank(parts: _Parts, lookup: Lookup) -> Iterator[str]:
    for part in parts:
        if isinstance(part, _Variable) and not part.operator and lookup(part.name) is None:
            yield part.name


def _parse(text: str) -> _Parts:
    return _Reader(text).parts(0, 0, inside=False)[0]


@dataclass(frozen=True)
class _Reader:
    text: str

    def parts(self, position: int, depth: int, *, inside: bool) -> tuple[_Parts, int]:
        """To the end, or to the brace that closes what it stands in; and where that is."""
        if depth > _MOST_DEPTH:
            raise BadInterpolation("has variables in variables, deeper than anybody writes")
        found: list[_Variable | str] = []
        while position < len(self.text) and not (inside and self.text[position] == "}"):
            part, position = self._part(position, depth)
            found.append(part)
        if inside and position == len(self.text):
            raise BadInterpolation("has a `${` that is not closed; write `$$` for a dollar sign")
        return tuple(found), position

    def _part(self, position: int, depth: int) -> tuple[_Variable | str, int]:
        if self.text[position] != "$":
            return self.text[position], position + 1
        if self.text.startswith("$$", position):
            return "$", position + 2
        if self.text.startswith("${", position):
            return self._braces(position + 2, depth)
        name = self._name(position + 1)
        return _Variable(name), position + 1 + len(name)

    def _braces(self, position: int, depth: int) -> tuple[_Variable, int]:
        name = self._name(position)
        position += len(name)
        operator = _OPERATOR.match(self.text, position)
        if operator is not None:
            word, end = self.parts(operator.end(), depth + 1, inside=True)
            return _Variable(name, operator[0], word, self.text[operator.end() : end]), end + 1
        if not self.text.startswith("}", position):
            raise BadInterpolation(f"has `${{{name}` with something behind it that means nothing")
        return _Variable(name), position + 1

    def _name(self, position: int) -> str:
        found = _NAME.match(self.text, position)
        if found is None:
            raise BadInterpolation("has a `$` without the name of a variable; write `$$` for a dollar sign")
        return found[0]
