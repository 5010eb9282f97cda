"""How much memory each part takes: its share (PSS), so that pages used by several are counted once."""

import re
from dataclasses import dataclass
from pathlib import Path

from slipyard.cli.up.identity import Identity
from slipyard.cli.up.lock import running_supervisor
from slipyard.cli.up.service import SERVICE_NAMES, running_service
from slipyard.domain.layout import Layout

_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)
_KIB = 1024


@dataclass(frozen=True)
class Share:
    name: str
    pid: int
    bytes: int


def memory_shares(layout: Layout) -> list[Share]:
    """Of everything that `slipyard up` started; empty where nothing runs or another user owns it."""
    supervisor = running_supervisor(layout)
    ours = [] if supervisor is None else [supervisor.pid, *_children(supervisor)]
    services = [running_service(layout, name) for name in SERVICE_NAMES]
    pids = dict.fromkeys([*ours, *(service.pid for service in services if service is not None)])
    shares = (_share(pid) for pid in pids)
    return [share for share in shares if share is not None]


def _children(supervisor: Identity) -> list[int]:
    listed = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children")
    try:
        return [int(pid) for pid in listed.read_text().split()]
    except OSError:
        return []


def _share(pid: int) -> Share | None:
    try:
        found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None
    return Share(name, pid, int(found.group(1)) * _KIB) if found else None
