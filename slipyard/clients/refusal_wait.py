"""How long somebody asks us to wait before the same request."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_USUAL_SECONDS = 60.0
_LONGEST_SECONDS = 3600.0


def wait_in(headers: Mapping[str, str]) -> float:
    """Seconds, from 1 to 3600. `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), else the moment when the limit
    ends (GitHub `x-ratelimit-reset`, GitLab `ratelimit-reset`, seconds of the epoch), else a minute, as GitHub asks."""
    given = headers.get("retry-after", "")
    if given.isdigit():
        return _bounded(float(given))
    if given:
        return _until(given)
    for name in ("x-ratelimit-reset", "ratelimit-reset"):
        moment = headers.get(name, "")
        if moment.isdigit():
            return _bounded(float(moment) - time.time())
    return _USUAL_SECONDS


def _until(date: str) -> float:
    try:
        return _bounded(parsedate_to_datetime(date).timestamp() - time.time())
    except ValueError:
        return _USUAL_SECONDS


def _bounded(seconds: float) -> float:
    return min(max(seconds, 1.0), _LONGEST_SECONDS)
