"""Cron lines and when they are due: five fields as in crontab(5), or a word such as `@daily`, on the clock of a time zone.

As with Debian's cron, a time of day that a change of clocks leaves out is due right after the change, and one that comes
twice is due once; lines with `*` in minutes or hours go by the hours that really pass.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

_WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = 5
_MOST_COUNTED = 1000


def check_cron(line: str) -> str:
    """With single spaces. `ValueError` says what is wrong with it, also where it is never due."""
    written = " ".join(line.split())
    fields = _WORDS.get(written.lower(), written)
    if len(fields.split(" ")) != _FIELDS:
        words = ", ".join(_WORDS)
        raise ValueError(
            f"a cron line has five fields (minute, hour, day of month, month, day of week), as in '0 3 * * *', or is one of {words}"
        )
    try:
        next(CronSim(fields, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(f"{str(error).lower()} in the cron line {written!r}, see crontab(5)") from None
    except StopIteration:
        raise ValueError(f"the cron line {written!r} names a day that never comes") from None
    return written


def check_time_zone(name: str) -> str:
    """`ValueError` where the machine knows no such zone."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"there is no time zone {name[:80]!r}; they are called Europe/Berlin, UTC") from None
    return name


CronText = Annotated[str, Field(max_length=200, examples=["0 3 * * *", "@hourly"]), AfterValidator(check_cron)]
ZoneName = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(check_time_zone)]


def due_after(line: str, time_zone: str, moment: datetime) -> Iterator[datetime]:
    """In UTC, in order, all of them later than `moment`; ends where nothing is due for decades."""
    fields = _WORDS.get(line.lower(), line)
    for due in CronSim(fields, moment.astimezone(ZoneInfo(time_zone))):
        at = due.astimezone(UTC)
        if at > moment:  # the second pass of an hour that comes twice begins with times that were due in the first
            yield at


def next_due(line: str, time_zone: str, moment: datetime) -> datetime | None:
    return next(due_after(line, time_zone, moment), None)


def due_between(line: str, time_zone: str, first: datetime, now: datetime) -> tuple[int, datetime]:
    """How often it was due from `first`, a time when it is, up to `now`, and when last. Counts no more than 1000."""
    number, last = 1, first
    for due in due_after(line, time_zone, first):
        if due > now:
            return number, last
        number, last = number + 1, due
        if number >= _MOST_COUNTED:
            return number, last
    return number, last
