"""Making children: a fork that runs a function of ours, and one that becomes another program and outlives us."""

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipyard.cli.up.identity import Identity
from slipyard.cli.up.listening import ListeningSockets
from slipyard.cli.up.log_sink import open_log, rotate
from slipyard.cli.up.prctl import die_with, name_process

_ROTATE_AT_START_BYTES = 4 * 1024 * 1024
_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP)
_NOT_EXECUTABLE = 127


def fork_function(run: Callable[[], object], *, name: str, output: int, close: Iterable[int] = ()) -> int:
    """The pid of a child that runs `run`, writes to `output` and dies with us. Call it from a single thread only."""
    parent = os.getpid()
    with _quiet_signals():
        pid = os.fork()
        if pid:
            return pid
        _leave_parent_behind(close)
    os._exit(_run(run, name, output, parent))


def fork_part(command: Sequence[str], output: int) -> int:
    """The pid of a child that becomes `command` with our environment, writes to `output` and dies with us."""
    parent = os.getpid()
    with _quiet_signals():
        pid = os.fork()
        if pid:
            return pid
        _leave_parent_behind(())
    os._exit(_become_part(command, output, parent))


@dataclass(frozen=True)
class Program:
    """Another program: its whole environment is `environment`; its output is appended to `log`."""

    command: Sequence[str]
    environment: Mapping[str, str]
    pid_file: Path
    log: Path
    made_from: str
    sockets: ListeningSockets | None = None


def fork_program(program: Program) -> int:
    """The pid of a child in a session of its own. It signs its pid file itself, so that none is ever started unseen."""
    _prepare_log(program.log)
    if program.sockets is not None:
        program.sockets.open()
    with _quiet_signals():
        pid = os.fork()
        if pid:
            return pid
        _leave_parent_behind(())
    os._exit(_become(program))


@contextlib.contextmanager
def _quiet_signals() -> Iterator[None]:
    """A signal between fork and reset would run the parent's handlers in the child."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_parent_behind(close: Iterable[int]) -> None:
    signal.set_wakeup_fd(-1)
    for number in _HANDLED:
        signal.signal(number, signal.SIG_DFL)
    for descriptor in close:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _run(run: Callable[[], object], name: str, output: int, parent: int) -> int:
    try:
        die_with(parent)
        name_process(f"slipyard-{name}")
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # Ctrl-C reaches the whole terminal; the supervisor keeps the order
        _redirect(output)
        run()
    except SystemExit as exit_:
        return _flushed(exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None))
    except BaseException:  # noqa: BLE001 - nothing of the parent's stack may run in the child
        traceback.print_exc()
        return _flushed(1)
    return _flushed(0)


def _become_part(command: Sequence[str], output: int, parent: int) -> int:
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _redirect(output)
    try:
        os.execve(command[0], list(command), os.environ)  # noqa: S606 - no shell is wanted
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error}\n".encode())
    return _NOT_EXECUTABLE


def _become(program: Program) -> int:
    os.setsid()
    identity = Identity.of(os.getpid(), program.made_from)
    if identity is not None:
        identity.write(program.pid_file)
    _redirect(open_log(program.log))
    try:
        if program.sockets is not None:
            program.sockets.pass_on()
        os.execve(program.command[0], list(program.command), dict(program.environment))  # noqa: S606 - no shell is wanted
    except OSError as error:
        os.write(2, f"{program.command[0]} cannot be started: {error}\n".encode())
    return _NOT_EXECUTABLE


def _redirect(output: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _flushed(code: int) -> int:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code


def _prepare_log(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size >= _ROTATE_AT_START_BYTES:
        rotate(path)
