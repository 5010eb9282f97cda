"""The command line as somebody at a terminal has it: a pseudo-terminal of a size, keys, and what is shown."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress

from tests.engine.installation import CHECKOUT, Installation

_DEADLINE = 90.0


class Terminal:
    """`slipyard ...` in a terminal. `close` ends it, whatever it does."""

    def __init__(self, slipyard: Installation, *arguments: str, rows: int, columns: int) -> None:
        self._master, slave = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "slipyard.cli", *arguments],
            env=os.environ | slipyard.environment | {"PYTHONPATH": str(CHECKOUT), "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = b""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resized(self, rows: int, columns: int) -> None:
        """As a window does it: the process is told."""
        self.resize(rows, columns)
        os.kill(self.process.pid, signal.SIGWINCH)

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def until(self, text: bytes) -> None:
        """Shown from now on, or before."""
        deadline = time.monotonic() + _DEADLINE
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if not self._more():
                raise AssertionError(f"it ended and showed {self.shown!r}")

    def ended(self) -> int:
        while self._more():
            pass
        return self.process.wait(_DEADLINE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _more(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], _DEADLINE)
        assert ready, self.shown
        with suppress(OSError):  # the other side is closed
            piece = os.read(self._master, 4096)
            self.shown += piece
            return bool(piece)
        return False
