"""What one check found."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from slipyard.domain.layout import Layout
from slipyard.domain.settings import Settings

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """`advice` says what to do; empty where all is well."""

    name: str
    level: Level
    message: str
    advice: str = ""


@dataclass(frozen=True)
class Subject:
    """The installation that is looked at. `installation_id` is None before its first `slipyard up`."""

    settings: Settings
    layout: Layout
    installation_id: str | None


Check = Callable[[Subject], Awaitable[Finding]]


def ok(name: str, message: str) -> Finding:
    return Finding(name, "ok", message)


def warn(name: str, message: str, advice: str) -> Finding:
    return Finding(name, "warn", message, advice)


def fail(name: str, message: str, advice: str) -> Finding:
    return Finding(name, "fail", message, advice)
