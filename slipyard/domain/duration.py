"""Lengths of time as people write them: 90s, 15m, 1h, 7d; a bare number is seconds."""

import re

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_TEXT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(s|m|h|d)?")


def seconds_in(text: str) -> float:
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no length of time; write it as 90s, 15m, 1h or 7d")
    return float(found[1]) * _UNITS[found[2] or ""]
