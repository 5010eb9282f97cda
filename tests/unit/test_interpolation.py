"""Variables in a compose file are filled in by the rules of its specification, and from what is handed in alone."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipyard.domain.interpolation import BadInterpolation, blank_in, interpolate

GIVEN = {"NAME": "shop", "EMPTY": "", "OTHER": "b"}

REFUSED = [
    ("$", "without the name of a variable"),
    ("$ 5", "without the name of a variable"),
    ("${", "without the name of a variable"),
    ("${NAME", "something behind it"),
    ("${NAME:-x", "is not closed"),
    ("${NAME!x}", "something behind it"),
    ("${NAME:x}", "something behind it"),
    ("${1}", "without the name"),
    ("${NONE?}", "needs the variable NONE, which is not set"),
    ("${EMPTY:?say which}", "needs the variable EMPTY, which is not set: say which"),
    ("${NONE:?${NAME}}", "which is not set: ${NAME}"),
    ("${A-" * 30 + "}" * 30, "deeper than anybody writes"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=[text[:20] for text, _ in REFUSED])
def test_what_cannot_be_filled_in_is_refused_without_any_value(text: str, why: str) -> None:
    with pytest.raises(BadInterpolation) as refused:
        interpolate(text, GIVEN.get)
    assert why in str(refused.value)
    assert "shop" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("plain } text {", "plain } text {"),
        ("$NAME", "shop"),
        ("$NAME.x/${NAME}y", "shop.x/shopy"),
        ("$NONE-${NONE}", "-"),
        ("$$NAME $${NAME} $$$$", "$NAME ${NAME} $$"),
        ("$$$NAME", "$shop"),
        ("${NONE-a}|${EMPTY-a}|${NAME-a}", "a||shop"),
        ("${NONE:-a}|${EMPTY:-a}|${NAME:-a}", "a|a|shop"),
        ("${NONE+a}|${EMPTY+a}|${NAME+a}", "|a|a"),
        ("${NONE:+a}|${EMPTY:+a}|${NAME:+a}", "||a"),
        ("${NAME?x}|${EMPTY?x}|${NAME:?x}", "shop||shop"),
        ("${NONE:-${EMPTY:-${OTHER}}}", "b"),
        ("${NONE:-a$$b}", "a$b"),
        ("${NAME:-${NONE:?never asked}}", "shop"),
        ("${NONE:-http://x:80/?a=b}", "http://x:80/?a=b"),
    ],
)
def test_each_form_of_the_specification(text: str, filled: str) -> None:
    assert interpolate(text, GIVEN.get) == filled


def test_the_environment_of_the_process_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    assert os.environ["SECRET_OF_THE_SERVER"] == "x"
    assert interpolate("a${SECRET_OF_THE_SERVER}b", GIVEN.get) == "ab"


def test_what_stays_empty_without_anybody_having_said_so_is_told() -> None:
    assert blank_in("$NONE ${OTHER} ${NOT:-x} ${LEFT}", GIVEN.get) == {"NONE", "LEFT"}


@settings(deadline=None)
@given(st.text())
def test_a_text_whose_dollar_signs_are_doubled_is_itself(text: str) -> None:
    assert interpolate(text.replace("$", "$$"), GIVEN.get) == text
