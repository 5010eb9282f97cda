"""Opening the installation in a child of its own: what migrations import and open stays out of the parts' memory."""

import os
import signal
from collections.abc import Callable

from slipyard.domain.errors import SlipyardError, SystemFault
from slipyard.domain.settings import Settings
from slipyard.store.installation import open_installation


def prepare_installation(settings: Settings) -> None:
    """`SystemFault` with the sentence of what `open_installation` raised."""

    def prepare() -> None:
        open_installation(settings).close()

    run_apart(prepare)


def run_apart(work: Callable[[], object]) -> None:
    """Runs `work` in a forked child and waits. Its error comes back as a `SystemFault` with its sentence."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os._exit(_work(work, writer))
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        complaint = answer.read()
    _, status = os.waitpid(pid, 0)
    if complaint:
        raise SystemFault(complaint.decode())
    if status:
        raise SystemFault(f"A child ended with {_describe(os.waitstatus_to_exitcode(status))} and no word why.")


def _work(work: Callable[[], object], writer: int) -> int:
    try:
        work()
    except SlipyardError as error:
        os.write(writer, error.message.encode())
        return 1
    except BaseException as error:  # noqa: BLE001 - it is raised again in the parent
        os.write(writer, f"{type(error).__name__}: {error}"[:2000].encode())
        return 1
    return 0


def _describe(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
