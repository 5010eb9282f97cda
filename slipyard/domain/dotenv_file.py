"""`.env` files, read strictly and written so that python-dotenv, shells and compose read the same values.

python-dotenv cuts the text: `export `, quotes, values over several lines, comments and CRLF. What it would skip with a
warning is refused here. Nothing is interpolated: `${NAME}` stays as it is.
"""

import re
from collections.abc import Mapping
from io import StringIO

from dotenv.parser import Binding, parse_stream

from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.naming import is_env_name

_BARE = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
_IN_DOUBLE_QUOTES = {"\\": "\\\\", '"': '\\"', "\r": "\\r", "\n": "\\n"}


def read_dotenv(text: str) -> dict[str, str]:
    """`ValidationFailed` names the first line that is none, has no value, or sets a name again."""
    found: dict[str, str] = {}
    for binding in parse_stream(StringIO(text.removeprefix("\ufeff"), newline="")):
        name, value = _checked(binding)
        if name is None:
            continue
        if name in found:
            raise _refused(binding, f"{name} is set twice. Keep one of both lines")
        found[name] = value
    return found


def write_dotenv(env: Mapping[str, str]) -> str:
    """By name, a line each."""
    return "".join(f"{name}={_written(value)}\n" for name, value in sorted(env.items()))


def _checked(binding: Binding) -> tuple[str | None, str]:
    if binding.error:
        raise _refused(binding, "this is not NAME=value. Close its quotes, or put a # before a comment")
    if binding.key is None:
        return None, ""
    if binding.value is None:
        raise _refused(binding, "there is no = in it. Write NAME= for an empty value, and quotes around several lines")
    if not is_env_name(binding.key):
        raise _refused(binding, "what is before the = is no name: letters, digits and underscores, no digit first")
    if "\0" in binding.value:
        raise _refused(binding, "it holds a NUL, which no variable can. Take it out")
    return binding.key, binding.value


def _written(value: str) -> str:
    if _BARE.fullmatch(value):
        return value
    if "'" not in value and "\\" not in value and "\r" not in value:
        return f"'{value}'"
    return '"' + "".join(_IN_DOUBLE_QUOTES.get(character, character) for character in value) + '"'


def _refused(binding: Binding, why: str) -> ValidationFailed:
    """What the line says is never repeated: it may be a piece of a secret."""
    before = binding.original.string[: -len(binding.original.string.lstrip()) or None]
    line = binding.original.line + before.count("\n")
    return ValidationFailed(f"Line {line} of the .env file: {why}.", details=[FieldProblem(f"line {line}", why)])
