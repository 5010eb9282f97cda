"""Ending a process that may not be our child: ask, wait on its pidfd, then insist."""

import os
import select
import signal

from slipyard.cli.up.identity import Identity


def stop(process: Identity, *, within: float) -> bool:
    """SIGTERM, and SIGKILL after `within` seconds. False where it was gone already."""
    descriptor = process.open()
    if descriptor is None:
        return False
    try:
        _send(descriptor, signal.SIGTERM)
        if not wait_over(descriptor, within):
            _send(descriptor, signal.SIGKILL)
            wait_over(descriptor, 10)
    finally:
        os.close(descriptor)
    return True


def wait_over(descriptor: int, seconds: float | None) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def _send(descriptor: int, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return
