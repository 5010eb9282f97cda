"""Globs over branches, tags and paths: what they match, and that none of them can take long."""

import re
import time
from itertools import product

import pytest

from slipyard.domain.globs import is_chosen, last_match


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("release/*", "release/1/2"),
        ("*", "a/b"),
        ("?", "/"),
        ("a?b", "a/b"),
        ("docs/**", "docs"),
        ("docs/**/x", "docs/xx"),
        ("**/x", "ax"),
        ("v[0-9]", "va"),
        ("v[0-9]", "v10"),
        ("\\*", "a"),
        ("a", "A"),
        ("a", "ab"),
        ("ab", "a"),
        ("", "a"),
    ],
)
def test_what_does_not_match(pattern: str, text: str) -> None:
    assert last_match([pattern], text) is None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("release/*", "release/1"),
        ("release/*", "release/"),
        ("release/**", "release/1/2"),
        ("**", "a/b/c"),
        ("**.js", "src/a.js"),
        ("docs/**/x", "docs/x"),
        ("docs/**/x", "docs/a/b/x"),
        ("**/x", "x"),
        ("**/x/**", "a/x/b/c"),
        ("v[0-9].*", "v1.2"),
        ("pages/\\[id\\].js", "pages/[id].js"),
        ("a[", "a["),
        ("*a*b*", "xaxbx"),
        ("ü*", "über"),
    ],
)
def test_what_matches(pattern: str, text: str) -> None:
    assert last_match([pattern], text) == pattern


def test_it_agrees_with_a_regular_expression_on_everything_small() -> None:
    patterns = ["".join(signs) for length in range(1, 5) for signs in product("a/*?", repeat=length)]
    texts = ["".join(signs) for length in range(5) for signs in product("ab/", repeat=length)]
    for pattern in patterns:
        expression = re.compile(_expression(pattern), re.DOTALL)
        wrong = [
            text for text in texts if (last_match([pattern], text) is not None) != bool(expression.fullmatch(text))
        ]
        assert wrong == [], pattern


def _expression(pattern: str) -> str:
    parted = re.sub(r"(?:(?<=/)|^)\*\*+/", "\0", pattern)
    parted = re.sub(r"\*\*+", "\1", parted)
    signs = {"\0": "(?:.*/)?", "\1": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(signs.get(sign, re.escape(sign)) for sign in parted)


def test_the_last_match_wins() -> None:
    patterns = ["**", "!docs/**", "docs/keep.md"]

    assert [is_chosen(patterns, path) for path in ("a", "docs/b", "docs/keep.md")] == [True, False, True]


def test_a_list_that_begins_with_a_negation_means_everything_else() -> None:
    assert is_chosen(["!docs/**"], "src/a")
    assert not is_chosen(["!docs/**"], "docs/a")
    assert not is_chosen([], "a")


def test_no_pattern_takes_long() -> None:
    began = time.perf_counter()

    assert not is_chosen(["*a" * 120 + "b", "**a" * 80 + "b"], "a" * 1024)

    assert time.perf_counter() - began < 1  # a regular expression of it would not end
