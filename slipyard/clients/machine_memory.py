"""How much memory this machine has left."""

import re
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_LINE = re.compile(r"^(MemTotal|MemAvailable):\s+(\d+) kB$", re.MULTILINE)


def available_share(meminfo: Path = _MEMINFO) -> float:
    """Between 0 and 1, as the kernel estimates it; 1 where it does not say. Blocking, for microseconds."""
    try:
        found = dict(_LINE.findall(meminfo.read_text()))
    except OSError:
        return 1.0
    total, available = int(found.get("MemTotal", 0)), int(found.get("MemAvailable", 0))
    return available / total if total else 1.0
