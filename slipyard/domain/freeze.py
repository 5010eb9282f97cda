"""Weekly windows in UTC in which nothing new goes live."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from slipyard.domain.values import Value

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


def _minute(given: str) -> str:
    if not _TIME.fullmatch(given):
        raise ValueError("is a time of day in UTC such as 18:00")
    return given


TimeOfDay = Annotated[str, AfterValidator(_minute)]


class FreezeWindow(Value):
    """From `begins` to `ends`, which is on the next day where it is not later than `begins`."""

    days: tuple[Day, ...] = Field(_DAYS, min_length=1, max_length=7, description="On which it begins, in UTC")
    begins: TimeOfDay = Field("00:00", description="UTC, hh:mm")
    ends: TimeOfDay = Field("00:00", description="UTC, hh:mm; not later than `begins`: on the next day")
    reason: str = Field("", max_length=255)

    def end_at(self, now: datetime) -> datetime | None:
        """When the window that is open at `now` closes; None where none is."""
        today = now.astimezone(UTC).date()
        for date in (today - _DAY, today):
            begin = datetime.combine(date, time.fromisoformat(self.begins), UTC)
            end = datetime.combine(date, time.fromisoformat(self.ends), UTC)
            end += _DAY if end <= begin else timedelta()
            if _DAYS[date.weekday()] in self.days and begin <= now < end:
                return end
        return None


@dataclass(frozen=True)
class Freeze:
    until: datetime
    reason: str


def freeze_at(windows: Sequence[FreezeWindow], now: datetime) -> Freeze | None:
    """The end of all windows that are open now or follow without a gap, a week ahead at the most; the first one's reason."""
    until, reason = now, ""
    while until - now < _WEEK:
        ends = [(end, window.reason) for window in windows if (end := window.end_at(until)) is not None]
        if not ends:
            break
        reason = reason or next((why for _, why in ends if why), "")
        until = max(end for end, _ in ends)
    return None if until == now else Freeze(until, reason)
