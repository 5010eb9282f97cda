"""What we accept: our own names, and the other names that people of five platforms know."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import model_validator

from slipyard.domain.errors import FieldProblem, ValidationFailed
from slipyard.domain.values import Value

_HUMP = re.compile(r"(?<=[a-z0-9])[A-Z]")


def snake_case(name: str) -> str:
    return _HUMP.sub(lambda hump: f"_{hump[0].lower()}", name)


class Incoming(Value):
    """A request body. `other_names` maps a name that is accepted to the path of ours, such as `source.image`."""

    other_names: ClassVar[Mapping[str, str]] = {}
    nested: ClassVar[frozenset[str]] = frozenset({"source", "health_check", "resources", "rollout"})

    @model_validator(mode="before")
    @classmethod
    def _with_our_names(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        result: dict[str, Any] = {}
        for name, value in given.items():
            _place(result, cls._path(str(name)), cls._inner(value, str(name)), str(name))
        return cls._completed(result)

    @classmethod
    def _path(cls, name: str) -> str:
        ours = snake_case(name)
        if ours in cls.other_names:
            return cls.other_names[ours]
        return ours if ours in cls.model_fields else name

    @classmethod
    def _inner(cls, value: Any, name: str) -> Any:
        if snake_case(name) in cls.nested and isinstance(value, dict):
            return {snake_case(str(key)): inner for key, inner in value.items()}
        return value

    @classmethod
    def _completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """What follows from what was given; a hook for subclasses."""
        return given


def _place(result: dict[str, Any], path: str, value: Any, name: str) -> None:
    head, _, rest = path.partition(".")
    if rest:
        inner = result.setdefault(head, {})
        if isinstance(inner, dict):
            _place(inner, rest, value, name)
        return
    if isinstance(value, dict) and isinstance(result.get(head), dict):
        for key, item in value.items():
            _place(result[head], key, item, f"{name}.{key}")
        return
    if head in result and result[head] != value:
        raise ValidationFailed(
            f"{name!r} is given twice with different values, once under another of its names; send it once.",
            details=[FieldProblem(name, "given twice")],
        )
    result[head] = value
