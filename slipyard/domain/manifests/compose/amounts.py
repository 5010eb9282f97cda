"""Durations and sizes as the Compose Specification writes them: `1h5m30s20ms`, `64m`, `1gb`."""

import re

_DURATION = re.compile(r"(?:(?P<amount>[0-9]+(?:\.[0-9]+)?)(?P<unit>us|ms|s|m|h))")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE = re.compile(r"(?P<amount>[0-9]+)\s*(?P<unit>b|k|kb|m|mb|g|gb)?", re.IGNORECASE)
_BYTES = {"": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30, "gb": 1 << 30}


def seconds(text: str) -> float:
    """`ValueError` with what is right. Units in any order, each as often as somebody likes, as Go reads them."""
    total, end = 0.0, 0
    for found in _DURATION.finditer(text):
        if found.start() != end:
            break
        total += float(found["amount"]) * _SECONDS[found["unit"]]
        end = found.end()
    if not text or end != len(text):
        raise ValueError(
            f"{text[:40]!r} is no duration: write amounts with the units us, ms, s, m and h, such as 1m30s"
        )
    return total


def size(text: str) -> int:
    """Bytes; units count in 1024."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is no size: write a whole amount with b, k, m or g, such as 512m")
    return int(found["amount"]) * _BYTES[(found["unit"] or "").lower()]
