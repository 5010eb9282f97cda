"""This terminal hands every key on, and shows what comes back: the other end edits lines and makes signals of keys."""

import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def raw_terminal(*, wanted: bool) -> Iterator[None]:
    """As it was before, afterwards."""
    if not wanted:
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor, termios.TCSADRAIN)  # what was typed ahead stays
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
