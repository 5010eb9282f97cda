"""A command in an app, run from here: what is typed goes there, what it says comes here, and its exit code is ours."""

import base64
import contextlib
import os
import select
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import httpx

from slipyard.cli.client import Client, segment
from slipyard.cli.failure import CommandError, Failed, Unreachable
from slipyard.cli.json_lines import json_lines
from slipyard.cli.raw_terminal import raw_terminal

_PIECE = 64 * 1024
_TRIES = 3


class CommandSession:
    """One command of one app. `run` may be called once."""

    def __init__(self, client: Client, app: str) -> None:
        self._client = client
        self._path = f"/apps/{segment(app)}/exec"
        self._session = ""
        self._wake_read, self._wake_write = os.pipe()

    def run(self, body: dict[str, Any], *, terminal: bool) -> int:
        """Its exit code. Ctrl-C goes to the command; a second one, without a terminal, leaves it, which ends it too."""
        asked = {**body, "input": True, "terminal": window_size() if terminal else None}
        with self._client.post_stream(self._path, asked) as answer, raw_terminal(wanted=terminal), self._resizing():
            return self._followed(json_lines(answer))

    def _followed(self, lines: Iterator[dict[str, Any]]) -> int:
        interrupted = False
        while True:
            try:
                code = self._next(lines)
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                self._signal("INT")
            else:
                if code is not None:
                    return code

    def _next(self, lines: Iterator[dict[str, Any]]) -> int | None:
        """The exit code, at the end."""
        line = next(lines, None)
        if line is None:
            raise Unreachable("The connection broke off, and the command was ended with it. Run it again.")
        match line["event"]:
            case "started":
                self._session = line["session"]
                threading.Thread(target=self._feed, daemon=True).start()
            case "output":
                _print(line)
            case "ended":
                return int(line["exit_code"])
            case "failed":
                raise Failed(line["message"])
        return None

    def _feed(self) -> None:
        """The thread that reads what is typed. The command may be over at any moment: that is no error."""
        with contextlib.suppress(CommandError, OSError):
            offset = 0
            while True:
                ready, _, _ = select.select([0, self._wake_read], [], [])
                if self._wake_read in ready:
                    os.read(self._wake_read, _PIECE)
                    self._client.post(f"{self._path}/{self._session}/resize", window_size())
                if 0 in ready:
                    data = os.read(0, _PIECE)
                    self._send(offset, data)
                    offset += len(data)
                    if not data:
                        return

    def _send(self, offset: int, data: bytes) -> None:
        """Sent again where it broke off: each byte counts once."""
        for left in reversed(range(_TRIES)):
            try:
                self._client.post_bytes(
                    f"{self._path}/{self._session}/input", data, offset=offset, end=True if not data else None
                )
            except Unreachable:
                if not left:
                    raise
            else:
                return

    def _signal(self, name: str) -> None:
        with contextlib.suppress(CommandError, httpx.HTTPError):
            self._client.post(f"{self._path}/{self._session}/signal", {"signal": name})

    @contextlib.contextmanager
    def _resizing(self) -> Iterator[None]:
        def changed(_: int, __: FrameType | None) -> None:
            os.write(self._wake_write, b"x")

        before = signal.signal(signal.SIGWINCH, changed)
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)


def window_size() -> dict[str, int]:
    size = shutil.get_terminal_size()
    return {"rows": max(1, size.lines), "columns": max(1, size.columns)}


def _print(line: dict[str, Any]) -> None:
    data = base64.b64decode(line["base64"]) if "base64" in line else line["text"].encode()
    target = sys.stderr if line["stream"] == "stderr" else sys.stdout
    target.buffer.write(data)
    target.buffer.flush()
