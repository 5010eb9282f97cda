"""Releases never change, and several steps of one transaction ask for the same two: each is read once."""

from collections import deque
from typing import Any

from sqlalchemy import event

from slipyard.store.tables import Release

_HELD = 8  # a session forgets what nobody else holds, and a pass over all apps reads thousands


def hold_releases() -> None:
    """From here on, in every session of this process."""
    if not event.contains(Release, "load", _hold):
        event.listen(Release, "load", _hold)


def _hold(release: Release, context: Any) -> None:
    context.session.info.setdefault("releases", deque(maxlen=_HELD)).append(release)
