"""The arithmetic of healing: which instances are missing or too many, and how long to wait before the next attempt."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

CRASH_LOOP = 3
"""So many ends by itself in a row are a crash loop: from then on the healer alone starts it, later each time."""

STABLE = timedelta(seconds=60)
"""What ran so long since it was last started has left its failures behind."""

MOST_BACKOFF_SECONDS = 300.0
_CRASH_LOOP, _UNHEALTHY = "Crash loop", "Unhealthy"  # how the sentences begin


def backoff_seconds(failures: int) -> float:
    """After the first failure at once, then 2 s, doubled each time up to five minutes."""
    return 0.0 if failures <= 1 else min(2.0 ** (failures - 1), MOST_BACKOFF_SECONDS)


def failures_now(before: int, since: datetime, now: datetime) -> int:
    """With the one that just happened. `since`: when it was last started, or could have been."""
    return 1 if now - since > STABLE else before + 1


def is_due(retry_at: datetime | None, now: datetime) -> bool:
    """A clock that jumped back makes nobody wait longer than the longest backoff."""
    return retry_at is None or retry_at <= now or retry_at - now > timedelta(seconds=MOST_BACKOFF_SECONDS)


@dataclass(frozen=True)
class Place:
    """One of the replicas of a service."""

    service: str
    ordinal: int


def missing(replicas: Mapping[str, int], present: Collection[Place]) -> list[Place]:
    wanted = (Place(service, ordinal) for service, count in replicas.items() for ordinal in range(count))
    return [place for place in wanted if place not in present]


def surplus(replicas: Mapping[str, int], serving: Sequence[tuple[str, Place]]) -> list[str]:
    """Ids of those that no replica is left for. Of two in one place the later one stays: it came to replace the other."""
    keep = {place: instance_id for instance_id, place in sorted(serving, key=_by_id)}
    return [
        instance_id
        for instance_id, place in serving
        if place.ordinal >= replicas.get(place.service, 0) or keep[place] != instance_id
    ]


def crash_sentence(failures: int, exit_code: int | None, retry_at: datetime | None, lines: Iterable[str]) -> str:
    code = "" if exit_code is None else f", last with exit code {exit_code}"
    then = f" It is started again at {retry_at:%H:%M:%SZ}." if retry_at is not None else ""
    last = next(iter(reversed(list(lines))), "")
    return f"{_CRASH_LOOP}: it ended {failures} times in a row{code}.{then}{f' Its last line: {last}' if last else ''}"


def unhealthy_sentence(complaint: str, times: int) -> str:
    return f"{_UNHEALTHY}: it {complaint}, {times} times in a row."


def is_crash_loop(trouble: str | None) -> bool:
    return trouble is not None and trouble.startswith(_CRASH_LOOP)


def is_unhealthy(trouble: str | None) -> bool:
    return trouble is not None and trouble.startswith(_UNHEALTHY)


def _by_id(each: tuple[str, Place]) -> str:
    return each[0]
