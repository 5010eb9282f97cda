"""Keeps children alive, reads what they write, and ends them in order. One thread, no polling.

Signals arrive as bytes in a pipe, children's output in another, the end of adopted processes as readable pidfds: one
`select` waits for all of them and for the next restart that is due.
"""

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from slipyard.cli.up.child import Child
from slipyard.cli.up.event_log import EventLog
from slipyard.cli.up.log_sink import LogSink

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
_READ_BYTES = 65536


@dataclass(frozen=True)
class Stage:
    """Children that end together; those that did not after `grace` seconds are killed."""

    names: frozenset[str]
    grace: float


class Supervisor:
    """`output` is the pipe that living children write to, where there are some already."""

    def __init__(
        self,
        sink: LogSink,
        log: EventLog,
        stages: Sequence[Stage],
        output: tuple[int, int] | None = None,
    ) -> None:
        self._sink = sink
        self._log = log
        self._stages = stages
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._output, self.output = output or _pipe()
        self._wakeups, self._wakeup = _pipe()
        os.set_blocking(self._wakeup, False)  # a handler that waits for us to read would wait for ever
        self._selector.register(self._output, selectors.EVENT_READ, self._copy_output)
        self._selector.register(self._wakeups, selectors.EVENT_READ, self._read_signals)
        self._ending = self._leaving = False
        self._hurried = False
        self._listening = False

    @property
    def private_descriptors(self) -> tuple[int, ...]:
        """What a forked child must close."""
        return (self._selector.fileno(), self._output, self._wakeups, self._wakeup)

    def add(self, child: Child) -> bool:
        """Adopts or starts it, and keeps it. True where it was adopted."""
        if not child.outlives:
            self.listen()
        self._children.append(child)
        survivor = child.adopt() if child.adopt else None
        descriptor = survivor.open() if survivor else None
        if survivor is None or descriptor is None:
            self._start(child)
            return False
        child.pid, child.since, child.watched = survivor.pid, time.monotonic(), descriptor
        self._selector.register(descriptor, selectors.EVENT_READ, lambda: self._adopted_ended(child))
        self._log.info("adopted", child=child.name, pid=child.pid)
        return True

    def run(self) -> bool:
        """Until SIGTERM, SIGINT or `end()`; then ends what does not outlive us. True after `leave()`: all of it lives on."""
        self.listen()
        self._leaving = False
        while not self._ending and not self._leaving:
            self._pump(self._seconds_to_next_start())
            self._start_due()
        if self._ending:
            self._end_in_order()
        return not self._ending

    def end(self) -> None:
        self._ending = True

    def leave(self) -> None:
        """For who goes on supervising in another way."""
        self._leaving = True

    def was_told_to_end(self) -> bool:
        """With signals blocked: no later one is lost, and none that came before is."""
        self._pump(0)
        return self._ending

    @property
    def pipe(self) -> tuple[int, int]:
        return self._output, self.output

    def pid_of(self, name: str) -> int | None:
        return next((child.pid for child in self._children if child.name == name), None)

    def listen(self) -> None:
        """From here on a signal ends the children in order, at the next turn of `run`."""
        if self._listening:
            return
        self._listening = True
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, _into_the_pipe)
        os.kill(os.getpid(), signal.SIGCHLD)  # for whoever died before we listened

    def _start(self, child: Child) -> None:
        child.due = None
        child.pid, child.since = child.start(self.output), time.monotonic()
        self._log.info("started", child=child.name, pid=child.pid)

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.due is not None and child.due <= now:
                self._start(child)

    def _seconds_to_next_start(self) -> float | None:
        due = [child.due for child in self._children if child.due is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _pump(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            handle: Callable[[], None] = key.data
            handle()

    def _copy_output(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._sink.write(os.read(self._output, _READ_BYTES))

    def _read_signals(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in os.read(self._wakeups, _READ_BYTES):
                if number != signal.SIGCHLD:
                    self._hurried = self._ending
                    self._ending = True
                    self._log.info("ending", signal=signal.Signals(number).name, hurried=self._hurried)
        self._reap()

    def _reap(self) -> None:
        """Also strangers: as process 1 of a container we inherit them."""
        while (ended := _next_ended()) is not None:
            pid, status = ended
            for child in self._children:
                if child.pid == pid and child.watched is None:
                    self._ended(child, os.waitstatus_to_exitcode(status))

    def _adopted_ended(self, child: Child) -> None:
        if child.watched is not None:
            self._selector.unregister(child.watched)
            os.close(child.watched)
            child.watched = None
            self._ended(child, None)

    def _ended(self, child: Child, code: int | None) -> None:
        lived = time.monotonic() - child.since
        child.pid, child.deaths = None, child.deaths + 1
        wait = child.backoff.after(lived) if child.comes_back and not self._ending else None
        child.due = None if wait is None else time.monotonic() + wait
        self._log.info("ended", child=child.name, code=code, lived=round(lived, 3), again_in=wait)
        if child.on_exit is not None and code is not None:
            child.on_exit(code)

    def _end_in_order(self) -> None:
        for child in self._children:
            child.due = None
        for stage in self._stages:
            self._end_stage([child for child in self._children if child.name in stage.names], stage.grace)
        self._end_stage([child for child in self._children if not child.outlives], 1.0)
        self._copy_rest()

    def _end_stage(self, children: Iterable[Child], grace: float) -> None:
        living = [child for child in children if child.pid is not None]
        self._send(living, signal.SIGTERM)
        deadline = time.monotonic() + grace
        while any(child.pid is not None for child in living) and not self._hurried:
            if (left := deadline - time.monotonic()) <= 0:
                break
            self._pump(left)
        self._send(living, signal.SIGKILL)
        while any(child.pid is not None for child in living):
            self._pump(None)

    def _send(self, children: Iterable[Child], number: signal.Signals) -> None:
        for child in children:
            if child.pid is not None:
                if number is signal.SIGKILL:
                    self._log.warning("killed", child=child.name, pid=child.pid)
                os.kill(child.pid, number)  # ours and not yet waited for, so the number is still its own

    def _copy_rest(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._output, _READ_BYTES):
                self._sink.write(data)


def _pipe() -> tuple[int, int]:
    """Reader and writer; both close on exec, and reading never blocks."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    return reader, writer


def _into_the_pipe(_number: int, _frame: object) -> None:
    """Python writes the signal's number into the wake-up pipe; there is nothing else to do."""


def _next_ended() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None
