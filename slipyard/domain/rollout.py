"""How a release takes the place of the one before: the rules that an app gives, and the arithmetic of its batches."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from slipyard.domain.values import Value

RECREATE_BEFOREHAND = (
    "By its strategy the old instances end before the new ones start: requests wait up to 30 s, then get a 503."
)
STEP_PERCENT = 5  # one slot of a route
_PERCENT = re.compile(r"([0-9]{1,3})%")
_ALL = 100


class Strategy(StrEnum):
    ROLLING = "rolling"  # batch by batch within the limits
    BLUE_GREEN = "blue_green"  # all new ones are ready, then one switch
    RECREATE = "recreate"  # the old ones end first: for what may run only once
    CANARY = "canary"  # all new ones are ready, then get their share of requests in steps


def _amount(given: Any) -> Any:
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    share = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if not isinstance(text, str) or not (text.isdecimal() or (share and int(share[1]) <= _ALL)):
        raise ValueError('is a number of instances or a share of the replicas, for example 1 or "25%"')
    return text


def _steps(given: tuple[int, ...]) -> tuple[int, ...]:
    if list(given) != sorted(set(given)) or any(step % STEP_PERCENT or not 0 < step < _ALL for step in given):
        raise ValueError("steps rise, are multiples of 5, and lie between 5 and 95; the last step to 100 is not named")
    return given


Amount = Annotated[str, BeforeValidator(_amount), Field(max_length=4)]


class Canary(Value):
    steps: Annotated[tuple[int, ...], Field(min_length=1, max_length=19), AfterValidator(_steps)] = (5, 25, 50)
    seconds: float = Field(60.0, gt=0, le=86_400, description="How long each step lasts")


class RolloutRules(Value):
    strategy: Strategy = Strategy.ROLLING
    max_surge: Amount = Field("25%", description="Instances above the replicas while rolling; a share rounds up")
    max_unavailable: Amount = Field("0", description="Replicas that may be missing meanwhile; a share rounds down")
    canary: Canary = Canary()
    drain_seconds: float | None = Field(
        None,
        ge=0,
        le=86_400,
        description="How long an old instance may finish its requests; default: of the installation",
    )
    bake_seconds: float = Field(
        30.0, ge=0, le=86_400, description="How long a new release is watched, and left where it goes bad; 0: never"
    )
    stop_seconds: float = Field(10.0, ge=0, le=3600, description="Between the stop signal and the end by force")


@dataclass(frozen=True)
class Limits:
    """In instances of one service. At least one of them is above 0, or nothing could move."""

    surge: int
    unavailable: int


@dataclass(frozen=True)
class Batch:
    """First `start` new ones get ready, then `drop` old ones get no more requests."""

    start: int
    drop: int


def limits_of(rules: RolloutRules, replicas: int) -> Limits:
    if rules.strategy is not Strategy.ROLLING:
        return Limits(max(1, replicas), 0)
    surge, unavailable = _part(rules.max_surge, replicas, math.ceil), _part(rules.max_unavailable, replicas, math.floor)
    return Limits(surge if surge or unavailable else 1, unavailable)


def next_batch(old: int, new: int, replicas: int, limits: Limits) -> Batch:
    """`old` serve, `new` are ready. With the last new one the old ones go all at once."""
    start = max(0, min(replicas - new, replicas + limits.surge - old - new))
    there = new + start
    spare = old if there >= replicas else old + there - (replicas - limits.unavailable)
    return Batch(start, max(0, min(old, spare)))


def _part(amount: str, replicas: int, rounded: Any) -> int:
    share = _PERCENT.fullmatch(amount)
    return int(rounded(replicas * int(share[1]) / _ALL)) if share else int(amount)
