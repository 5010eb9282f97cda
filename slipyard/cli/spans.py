"""How long something took, and which commit it was, in few characters."""

import re
from datetime import datetime
from typing import Any

_SHORT_COMMIT = 10
_OUR_TAG = re.compile(r":b(\d+)-\d+$")


def took(row: dict[str, Any]) -> str:
    """From its start, or its making, to its end; '-' while it is under way."""
    begin, end = row.get("started_at") or row.get("created_at"), row.get("finished_at")
    if not begin or not end:
        return "-"
    return f"{(datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds():.1f} s"


def short_commit(commit: str | None) -> str:
    return commit[:_SHORT_COMMIT] if commit else "-"


def what_it_was(row: dict[str, Any]) -> str:
    """The commit of a deployment, else the build or the image that it came from."""
    if row["commit"]:
        return short_commit(row["commit"])
    image = row["image"] or "-"
    built = _OUR_TAG.search(image)
    return f"build {built.group(1)}" if built else image
