"""When a message that did not arrive is sent again, as data."""

from datetime import datetime, timedelta
from random import Random

# Seconds after each failed attempt: quick at first, for what was only a restart; 22 hours in all, then as long as the last.
WAITS = (5, 30, 120, 300, 900, 1800, 3600, 7200, 14400, 21600, 28800)
KEPT = timedelta(hours=24)
KEPT_LONGER = {"take_back": timedelta(days=7)}  # nobody looks at a deleted app, so it is worth more patience
_JITTER = 0.2  # what failed together does not come back together


def next_attempt(
    attempts: int, created_at: datetime, now: datetime, random: Random, kept: timedelta = KEPT
) -> datetime | None:
    """`attempts` were made. None: it is given up, once it is `kept` old, whatever it waited for."""
    if attempts > len(WAITS) and kept == KEPT:
        return None
    wait = WAITS[min(attempts, len(WAITS)) - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)
    moment = now + timedelta(seconds=wait)
    return moment if moment < created_at + kept else None
