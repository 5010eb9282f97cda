"""Regular expressions as Go reads them, for the few that `.dockerignore` patterns turn into.

BuildKit compiles such a pattern to a Go expression, so what a class or an escape means is decided by Go's syntax
(https://pkg.go.dev/regexp/syntax), which differs from Python's in nested brackets, POSIX classes and letters.
"""

import re
from functools import lru_cache

_PERL = {"d": "0-9", "s": r"\t\n\f\r ", "w": r"0-9A-Za-z_"}
_ASSERTIONS = {"b": r"(?a:\b)", "B": r"(?a:\B)", "A": r"\A", "z": r"\Z"}
_CONTROL = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_REPEAT = re.compile(r"\{[0-9]{1,3}(?:,[0-9]{0,3})?\}")
_SYNTAX = frozenset(".*+?()^$|")


@lru_cache(maxsize=4096)
def compile_go(expression: str) -> re.Pattern[str]:
    """`ValueError` where Go would refuse it, and for escapes of letters that nobody writes in a path."""
    translation, position = "", 0
    while position < len(expression):
        sign = expression[position]
        if sign == "\\":
            piece, position = _escape(expression, position + 1)
        elif sign == "[":
            piece, position = _class(expression, position + 1)
        elif sign == "{" and (repeat := _REPEAT.match(expression, position)):
            piece, position = repeat[0], repeat.end()
        else:
            piece, position = (sign if sign in _SYNTAX else re.escape(sign)), position + 1
        translation += piece
    try:
        return re.compile(translation)
    except re.error as error:
        raise ValueError(str(error)) from error


def _escape(text: str, position: int) -> tuple[str, int]:
    sign = text[position : position + 1]
    if sign.lower() in _PERL:
        body = _PERL[sign.lower()]
        return (f"[{body}]" if sign.islower() else f"[^{body}]"), position + 1
    if sign in _ASSERTIONS:
        return _ASSERTIONS[sign], position + 1
    return re.escape(_literal(sign)), position + 1


def _literal(sign: str) -> str:
    if sign in _CONTROL:
        return _CONTROL[sign]
    if not sign or not sign.isascii() or sign.isalnum():
        raise ValueError(f"the escape \\{sign} has no plain meaning")
    return sign


def _class(text: str, position: int) -> tuple[str, int]:
    """From behind the opening bracket to behind the closing one."""
    negated = text.startswith("^", position)
    position += negated
    body, first = "", True
    while first or not text.startswith("]", position):
        piece, position = _class_item(text, position)
        body, first = body + piece, False
    return f"[{'^' if negated else ''}{body}]", position + 1


def _class_item(text: str, position: int) -> tuple[str, int]:
    if position >= len(text):
        raise ValueError("a bracket is not closed")
    if text.startswith("[:", position) and (end := text.find(":]", position)) > 0:
        return _posix(text[position + 2 : end]), end + 2
    if text[position] == "\\" and text[position + 1 : position + 2].lower() in _PERL:
        sign = text[position + 1]
        if sign.isupper():
            raise ValueError(f"the escape \\{sign} inside brackets is not taken")
        return _PERL[sign], position + 2
    low, position = _class_sign(text, position)
    if text.startswith("-", position) and len(text) > position + 1 and text[position + 1] != "]":
        high, position = _class_sign(text, position + 1)
        if high < low:
            raise ValueError(f"the range {low}-{high} is the wrong way round")
        return f"{_in_class(low)}-{_in_class(high)}", position
    return _in_class(low), position


def _class_sign(text: str, position: int) -> tuple[str, int]:
    if position >= len(text):
        raise ValueError("a bracket is not closed")
    if text[position] == "\\":
        return _literal(text[position + 1 : position + 2]), position + 2
    return text[position], position + 1


def _posix(name: str) -> str:
    if name not in _POSIX:
        raise ValueError(f"there is no class [:{name}:]")
    return _POSIX[name]


def _in_class(sign: str) -> str:
    return f"\\U{ord(sign):08x}"
