"""When a message that did not arrive is sent again, as data."""

from datetime import datetime, timedelta
from random import Random

# Seconds after each failed attempt: quick at first, for what was only a restart; 22 hours in all.
WAITS = (5, 30, 120, 300, 900, 1800, 3600, 7200, 14400, 21600, 28800)
KEPT = timedelta(hours=24)
_JITTER = 0.2  # what failed together does not come back together


def next_attempt(attempts: int, created_at: datetime, now: datetime, random: Random) -> datetime | None:
    """`attempts` were made. None: it is given up, after 24 hours whatever it waited for."""
    if attempts > len(WAITS):
        return None
    wait = WAITS[attempts - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)
    moment = now + timedelta(seconds=wait)
    return moment if moment < created_at + KEPT else None
