"""Waiting for what nothing announces, without an event loop."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
DEADLINE_SECONDS = 90.0
_PAUSE = threading.Event()


def wait_until(condition: Callable[[], T | None], seconds: float = DEADLINE_SECONDS) -> T:
    """The first truthy answer. Fails with the last one after the deadline."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {seconds:.0f} s; the last answer was {answer!r}")
        _PAUSE.wait(0.05)
    return answer
