"""Amounts of bytes as people write them: 10Gi, 500M, 2GB; a bare number is bytes."""

import re
from typing import Any

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_TEXT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,3})?)\s*([kmgt]i?)?b?", re.IGNORECASE)


def bytes_in(given: Any) -> Any:
    """A text becomes a number; whatever else is left to who checks it. `ValueError` for a text that is no amount."""
    if not isinstance(given, str):
        return given
    found = _TEXT.fullmatch(given.strip())
    if found is None:
        raise ValueError(f"{given[:40]!r} is no amount of bytes; write it as 10Gi, 500M or 1073741824")
    return int(float(found[1]) * _UNITS[(found[2] or "").lower()])
