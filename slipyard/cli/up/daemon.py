"""`up --detach`: a daemon that tells its launcher when it is ready, or why it is not."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from slipyard.cli.up.log_sink import open_log
from slipyard.cli.up.report import Note, Report, print_note


def daemonise(run: Callable[[Report], int], log: Path) -> int:
    """Forks twice, so that the daemon can never get a terminal; returns the exit code once it is ready or gave up."""
    reader, writer = os.pipe()
    intermediate = os.fork()
    if intermediate == 0:
        os.close(reader)
        _become_daemon(run, writer, log)
    os.close(writer)
    os.waitpid(intermediate, 0)
    with os.fdopen(reader, "rb") as notes:
        return _relay((Note.decode(line) for line in notes), log)


def _relay(notes: Iterator[Note], log: Path) -> int:
    for note in notes:
        print_note(note)
        if note.kind != "step":
            return int(note.kind == "failed")
    print_note(Note("failed", f"The daemon ended before it was ready; {log} says why."))
    return 1


def _become_daemon(run: Callable[[Report], int], writer: int, log: Path) -> None:
    os.setsid()
    if os.fork():
        os._exit(0)
    _leave_terminal(log)
    code = 1
    report = Report(writer)
    try:
        code = run(report)
    except BaseException as error:  # noqa: BLE001 - there is nobody above us
        with contextlib.suppress(Exception):
            report.failed(f"{type(error).__name__}: {error}")
    os._exit(code)


def _leave_terminal(log: Path) -> None:
    os.chdir("/")
    os.umask(0o077)
    nothing, output = os.open(os.devnull, os.O_RDONLY), open_log(log)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)
