"""The door to the kernel's own count of what containers use: control groups, version 1 and 2, and /proc. Blocking.

A look at a container is a handful of small files and no call to the engine. Where its groups lie is found by the names that
engines use, and else learnt from one process of a container (`learn`).
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from slipyard.domain.usage import Reading

_MOST_BYTES = 65536
_NANOSECOND, _MICROSECOND = 1e-9, 1e-6
# cgroupfs and systemd as drivers; `{}` is the container's id.
_USUAL = ("docker/{}", "system.slice/docker-{}.scope")
_INACTIVE = re.compile(rb"^(?:total_)?inactive_file (\d+)$", re.MULTILINE)
_CPU_V2 = re.compile(rb"^usage_usec (\d+)$", re.MULTILINE)
_DISK_V1 = re.compile(rb" (Read|Write) (\d+)$", re.MULTILINE)
_DISK_V2 = re.compile(rb" ([rw])bytes=(\d+)")
_INTERFACE = re.compile(rb"^\s*(?!lo:)[^:\s]+:\s*(\d+)(?:\s+\d+){7}\s+(\d+)", re.MULTILINE)


@dataclass
class ControlGroups:
    """Of this machine. Raises nothing: a container that cannot be read is None."""

    root: Path = Path("/sys/fs/cgroup")
    proc: Path = Path("/proc")
    _patterns: list[str] = field(default_factory=lambda: list(_USUAL))
    _unified: bool | None = None

    def read(self, container_id: str) -> Reading | None:
        """A few dozen microseconds."""
        for pattern in self._patterns:
            reading = self._read(pattern.format(container_id))
            if reading is not None:
                return reading
        return None

    def learn(self, container_id: str, pid: int) -> bool:
        """From where a process of the container is: whether that tells where the groups of containers lie."""
        found = _content(f"{self.proc}/{pid}/cgroup").decode(errors="replace")
        for line in found.splitlines():
            path = line.rpartition(":")[2].lstrip("/")
            if container_id in path and ".." not in path:
                pattern = path.replace("{", "{{").replace("}", "}}").replace(container_id, "{}")
                if pattern not in self._patterns:
                    self._patterns.append(pattern)
                return self.read(container_id) is not None
        return False

    def _read(self, path: str) -> Reading | None:
        if self._unified is None:
            self._unified = (self.root / "cgroup.controllers").exists()
        return self._read_unified(path) if self._unified else self._read_split(path)

    def _read_unified(self, path: str) -> Reading | None:
        base = f"{self.root}/{path}"
        cpu, memory = _CPU_V2.search(_content(f"{base}/cpu.stat")), _number(f"{base}/memory.current")
        if cpu is None or memory is None:
            return None
        sums = _sums(_DISK_V2.findall(_content(f"{base}/io.stat")))
        return Reading(
            cpu_seconds=int(cpu[1]) * _MICROSECOND,
            memory_bytes=_held(memory, _content(f"{base}/memory.stat")),
            processes=_number(f"{base}/pids.current") or 0,
            read=sums.get(b"r", 0),
            written=sums.get(b"w", 0),
            **self._network(f"{base}/cgroup.procs"),
        )

    def _read_split(self, path: str) -> Reading | None:
        cpu = _number(f"{self.root}/cpuacct/{path}/cpuacct.usage")
        memory = _number(f"{self.root}/memory/{path}/memory.usage_in_bytes")
        if cpu is None or memory is None:
            return None
        sums = _sums(_DISK_V1.findall(_content(f"{self.root}/blkio/{path}/blkio.throttle.io_service_bytes_recursive")))
        return Reading(
            cpu_seconds=cpu * _NANOSECOND,
            memory_bytes=_held(memory, _content(f"{self.root}/memory/{path}/memory.stat")),
            processes=_number(f"{self.root}/pids/{path}/pids.current") or 0,
            read=sums.get(b"Read", 0),
            written=sums.get(b"Write", 0),
            **self._network(f"{self.root}/memory/{path}/cgroup.procs"),
        )

    def _network(self, members: str) -> dict[str, int | None]:
        """Control groups do not count it; the network namespace of any of its processes does."""
        pid = _content(members).partition(b"\n")[0]
        table = _content(f"{self.proc}/{pid.decode()}/net/dev") if pid.isdigit() and pid != b"0" else b""
        rows = _INTERFACE.findall(table)
        if not table:
            return {"received": None, "sent": None}
        return {"received": sum(int(row[0]) for row in rows), "sent": sum(int(row[1]) for row in rows)}


def _held(usage: int, detail: bytes) -> int:
    """As `docker stats` counts it: without inactive pages of files. In v1 the group's own line comes before its total."""
    found = _INACTIVE.findall(detail)
    return max(0, usage - int(found[-1])) if found else usage


def _sums(rows: list[tuple[bytes, bytes]]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for name, amount in rows:
        found[name] = found.get(name, 0) + int(amount)
    return found


def _number(path: str) -> int | None:
    content = _content(path).strip()
    return int(content) if content.isdigit() else None


def _content(path: str) -> bytes:
    """Empty where it is not there: containers end between two looks."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(file, _MOST_BYTES)
    except OSError:
        return b""
    finally:
        os.close(file)
