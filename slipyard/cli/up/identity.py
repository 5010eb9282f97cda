"""Who a process is: a number alone may belong to somebody else tomorrow."""

import json
import os
import signal
from dataclasses import asdict, dataclass, field
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STATE, _START = 0, 19  # fields 3 and 22 of proc(5), counted behind the name


@dataclass(frozen=True)
class Identity:
    pid: int
    started: str  # clock ticks since the boot
    boot: str
    made_from: str = field(default="", compare=False)  # fingerprint of the command and files that it was started with

    @classmethod
    def of(cls, pid: int, made_from: str = "") -> "Identity | None":
        """None where no such process runs; a zombie does not run."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        if fields[_STATE] in {"Z", "X"}:
            return None
        return cls(pid, fields[_START], _BOOT.read_text().strip(), made_from)

    @classmethod
    def read(cls, path: Path) -> "Identity | None":
        """None where the file is missing or broken."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Whole or not at all: a reader never sees half a record."""
        draft = path.with_suffix(f".{self.pid}.tmp")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(path)

    def is_running(self) -> bool:
        return Identity.of(self.pid) == self

    def open(self) -> int | None:
        """A pidfd, readable once the process is over; None where it is over already."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.is_running():
            return descriptor
        os.close(descriptor)
        return None

    def send(self, number: signal.Signals) -> bool:
        """False where it is gone; never signals another process of the same number."""
        descriptor = self.open()
        if descriptor is None:
            return False
        try:
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True
