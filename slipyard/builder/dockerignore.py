"""The rules of `.dockerignore` exactly as BuildKit's client applies them while it walks a tree.

Not pathspec: that one knows git's rules, which differ (a pattern without a slash matches at the root only, `!` sees
parents by another rule, `[!a]` is no negation). Rules: the .dockerignore section of Docker's build documentation; checked
against BuildKit's own matcher in tests/engine/test_dockerignore_reference.py.
"""

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slipyard.builder.go_glob import check_glob
from slipyard.builder.go_regexp import compile_go
from slipyard.domain.errors import SourceRefused

_SPACE = " \t\n\v\f\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_TO_ESCAPE = frozenset(".+()$")  # { | } are meant to be, but slip through BuildKit's table and mean what they do in Go
_MAXIMUM_LINE = 64 * 1024


def parse_ignore_file(data: bytes) -> list[str]:
    """The patterns in order, `!` kept at the front, cleaned, without a leading slash."""
    lines = data.removeprefix(b"\xef\xbb\xbf").decode(errors="replace").split("\n")
    return [_clean_line(line) for line in lines if not line.startswith("#") and line.strip(_SPACE)]


class IgnoreRules:
    """`SourceRefused` for a pattern that BuildKit would refuse."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._rules = [rule for pattern in patterns if (rule := _rule(pattern)) is not None]
        self._has_exceptions = any(rule.exception for rule in self._rules)
        self._plain_exceptions = all(not rule.exception or rule.plain_prefix is not None for rule in self._rules)

    def kept(self, tree: Iterable[tuple[str, bool]]) -> set[str]:
        """Of (path, is directory) pairs those that go to the build, a directory before what it holds.

        An ignored directory comes back where something below it is kept.
        """
        kept: set[str] = set()
        matched: dict[str, tuple[bool, ...]] = {"": ()}
        for path, is_directory in tree:
            parent = posixpath.dirname(path)
            if parent not in matched:  # below a directory that is not walked at all
                continue
            ignored, hits = self._judge(path, matched[parent])
            if is_directory and not (ignored and self._skips(path)):
                matched[path] = hits
            if not ignored:
                kept.add(path)
                _keep_parents(kept, parent)
        return kept

    def _judge(self, path: str, above: tuple[bool, ...]) -> tuple[bool, tuple[bool, ...]]:
        """Whether it is ignored, and which rules matched it or a directory above it.

        A rule that cannot change the outcome so far is not tried and counts as no match for what lies below.
        """
        ignored, hits = False, []
        for number, rule in enumerate(self._rules):
            hit = bool(above) and above[number]
            if not hit and rule.exception == ignored:
                hit = rule.matches(path)
            if hit:
                ignored = not rule.exception
            hits.append(hit)
        return ignored, tuple(hits)

    def _skips(self, directory: str) -> bool:
        """Whether nothing below an ignored directory can come back."""
        if not self._has_exceptions:
            return True
        return self._plain_exceptions and not any(
            f"{rule.plain_prefix}/".startswith(f"{directory}/") for rule in self._rules if rule.exception
        )


@dataclass(frozen=True)
class _Rule:
    """`plain_prefix` is the pattern without a last `/*` or `/**`, where no other sign in it is special."""

    exception: bool
    exact: str | None
    prefix: str | None
    suffix: str | None
    expression: str | None
    plain_prefix: str | None

    def matches(self, path: str) -> bool:
        if self.exact is not None:
            return path == self.exact
        if self.prefix is not None:
            return path.startswith(self.prefix)
        if self.suffix is not None:
            return path.endswith(self.suffix) or (self.suffix[:1] == "/" and path == self.suffix[1:])
        return self.expression is not None and self._found(self.expression, path)

    def _found(self, expression: str, path: str) -> bool:
        """Compiled at the first use, as BuildKit does: a rule that is never tried is never refused."""
        try:
            return compile_go(expression).search(path) is not None
        except ValueError as error:
            raise SourceRefused(
                f".dockerignore has a pattern that cannot be read as {expression!r}: {error}."
            ) from error


def _keep_parents(kept: set[str], parent: str) -> None:
    while parent and parent not in kept:
        kept.add(parent)
        parent = posixpath.dirname(parent)


def _clean_line(line: str) -> str:
    if len(line.encode()) >= _MAXIMUM_LINE:
        raise SourceRefused(".dockerignore has a line of 64 KiB or more.")
    pattern = line.strip(_SPACE)
    exception = pattern.startswith("!")
    pattern = pattern[1:].strip(_SPACE) if exception else pattern
    if pattern:
        pattern = _clean(pattern)
        pattern = pattern[1:] if len(pattern) > 1 and pattern.startswith("/") else pattern
    return f"!{pattern}" if exception else pattern


def _clean(path: str) -> str:
    """As Go cleans a path: like Python, but two leading slashes are one."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _rule(pattern: str) -> _Rule | None:
    pattern = pattern.strip(_SPACE)
    if not pattern:
        return None
    pattern = _clean(pattern)
    exception = pattern.startswith("!")
    if exception and len(pattern) == 1:
        raise SourceRefused('.dockerignore has an exception "!" without a pattern. Remove the line.')
    pattern = pattern[1:] if exception else pattern
    try:
        check_glob(pattern)
        return _compile(pattern, exception=exception)
    except ValueError as error:
        raise SourceRefused(f".dockerignore has a pattern that cannot be read, {pattern!r}: {error}.") from error


def _compile(pattern: str, *, exception: bool) -> _Rule:
    """One pass over the pattern, which finds the cheap forms (exact, prefix, suffix) on the way."""
    form, text, position = "exact", "", 0
    while position < len(pattern):
        start, sign = position, pattern[position]
        position += 1
        if sign == "*" and pattern.startswith("*", position):
            position += 1 + pattern.startswith("/", position + 1)
            if position == len(pattern):
                form, text = ("prefix", text) if form == "exact" else ("expression", text + ".*")
            else:
                form, text = "expression", text + "(.*/)?"
            form = "suffix" if start == 0 else form
        elif sign in "*?":
            form, text = "expression", text + ("[^/]*" if sign == "*" else "[^/]")
        elif sign == "\\":
            form = "expression" if position < len(pattern) else form
            text += "\\" + pattern[position : position + 1]
            position += 1
        else:
            form = "expression" if sign in "[]" else form
            text += f"\\{sign}" if sign in _TO_ESCAPE else sign
    return _Rule(
        exception,
        pattern if form == "exact" else None,
        pattern[:-2] if form == "prefix" else None,
        pattern[2:] if form == "suffix" else None,
        f"^{text}$" if form == "expression" else None,
        _plain_prefix(pattern),
    )


def _plain_prefix(pattern: str) -> str | None:
    prefix = pattern.removesuffix("/**").removesuffix("/*")
    return None if any(sign in prefix for sign in "*[]?^\\") else prefix
