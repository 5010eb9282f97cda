"""References in the values of variables: `${secret:NAME}`, and `${app:db.url}` for what another app has.

`$${` stands for a `${` that is none. Any other `${...}` is the app's own business and stays as it is. Values of secrets
are taken as they are: nothing in them refers to anything.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from slipyard.domain.errors import FieldProblem, ValidationFailed

LONGEST_VALUE = 128 * 1024 - 256  # of one variable with its name: MAX_ARG_STRLEN of Linux
_REFERENCE = re.compile(r"(\$?)\$\{(secret|app):([^{}]*)\}")
_APP_AND_NAME = re.compile(r"([a-z][a-z0-9-]{0,47})\.([A-Za-z_][A-Za-z0-9_]{0,254})")


@dataclass(frozen=True)
class Reference:
    """`app` is the slug of another app, or None for a secret of one's own."""

    text: str
    app: str | None
    name: str


class Scope(Protocol):
    """What the values of one app may refer to. Each answers None for what is not there."""

    slug: str

    def variable(self, name: str) -> str | None: ...

    def secret(self, name: str) -> str | None:
        """Also None for a secret of builds."""

    def fact(self, name: str) -> str | None:
        """`url`, `host`, `port` and `slug` of the app."""

    def other(self, slug: str) -> "Scope | None": ...


def references_in(value: str) -> Iterator[Reference]:
    """`ValidationFailed` for one that nothing can be meant by."""
    for found in _REFERENCE.finditer(value):
        if not found[1]:
            yield _reference(found[0], found[2], found[3])


def has_reference(value: str) -> bool:
    return any(not found[1] for found in _REFERENCE.finditer(value))


def resolve(scope: Scope, env: Mapping[str, str]) -> dict[str, str]:
    """`ValidationFailed` with a sentence for a name that is not there, and for values that refer to each other."""
    resolver = _Resolver()
    return {name: resolver.value(scope, name, value, ()) for name, value in env.items()}


@dataclass
class _Resolver:
    """Each variable once, however many refer to it."""

    known: dict[tuple[str, str], str] = field(default_factory=dict)

    def value(self, scope: Scope, name: str, raw: str, trail: tuple[tuple[str, str], ...]) -> str:
        place = (scope.slug, name)
        if place in trail:
            raise _refused(name, _circle((*trail[trail.index(place) :], place)))
        if place not in self.known:
            self.known[place] = self._expanded(scope, name, raw, (*trail, place))
        return self.known[place]

    def _expanded(self, scope: Scope, name: str, raw: str, trail: tuple[tuple[str, str], ...]) -> str:
        parts, end = [], 0
        for found in _REFERENCE.finditer(raw):
            parts.append(raw[end : found.start()])
            parts.append(found[0][1:] if found[1] else self._meant(scope, name, found, trail))
            end = found.end()
        value = "".join([*parts, raw[end:]])
        if len(value.encode()) > LONGEST_VALUE:
            raise _refused(
                name, f"{name} of {scope.slug} has more than {LONGEST_VALUE} bytes, and Linux takes no more."
            )
        return value

    def _meant(self, scope: Scope, name: str, found: re.Match[str], trail: tuple[tuple[str, str], ...]) -> str:
        reference = _reference(found[0], found[2], found[3])
        whose = f"{name} of {scope.slug} refers to {reference.text}, and"
        if reference.app is None:
            secret = scope.secret(reference.name)
            if secret is None:
                raise _refused(name, f"{whose} there is no such secret. Set it with `slipyard secrets set` first.")
            return secret
        other = scope if reference.app == scope.slug else scope.other(reference.app)
        if other is None:
            raise _refused(name, f"{whose} there is no app {reference.app!r} here. Check its name.")
        raw = other.variable(reference.name)
        if raw is not None:
            return self.value(other, reference.name, raw, trail)
        fact = other.fact(reference.name)
        if fact is None:
            raise _refused(
                name, f"{whose} {reference.app} has no such variable; else there are url, host, port and slug."
            )
        return fact


def _reference(text: str, kind: str, rest: str) -> Reference:
    if kind == "secret":
        return Reference(text, None, rest)
    found = _APP_AND_NAME.fullmatch(rest)
    if found is None:
        raise _refused("", f"{text[:100]} is no reference: write ${{app:NAME.url}}, or $$ for a dollar sign before it.")
    return Reference(text, found[1], found[2])


def _circle(places: tuple[tuple[str, str], ...]) -> str:
    way = " -> ".join(f"{name} of {slug}" for slug, name in places)
    return f"These variables refer to each other in a circle, so none has a value: {way}. Give one of them a value."


def _refused(name: str, sentence: str) -> ValidationFailed:
    return ValidationFailed(
        sentence, details=[FieldProblem(f"env_vars.{name}" if name else "env_vars", "bad reference")]
    )
