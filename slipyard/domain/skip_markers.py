"""A push is skipped where the message of its head commit carries one of these, in any case."""

import re

MARKERS = ("skip ci", "ci skip", "no ci", "skip actions", "actions skip", "skip cd", "skip deploy", "deploy skip")
_MARKER = re.compile("|".join(re.escape(f"[{marker}]") for marker in MARKERS), re.IGNORECASE)


def skip_marker(message: str) -> str | None:
    found = _MARKER.search(message)
    return found[0] if found else None
