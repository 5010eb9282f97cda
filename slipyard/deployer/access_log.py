"""Caddy's access log, read as it grows: which address gave which answer, and how long it took."""

import json
from dataclasses import dataclass
from pathlib import Path

from slipyard.deployer.growing_log import GrowingLog

ACCESS_LOG = "access.log"  # in the directory of logs
_LOOK_BACK = 4 * 1024 * 1024  # bytes that a first look at one app reads


@dataclass(frozen=True)
class Answered:
    """`at` in seconds since the epoch, `upstream` is `ip:port`, empty where no instance was asked."""

    at: float
    upstream: str
    status: int
    seconds: float = 0.0
    app_id: str = ""


class AccessLogTail:
    """Of one app. Blocking: call it in a thread. A log that is renamed and begun anew is read to its end first."""

    def __init__(self, path: Path, app_id: str) -> None:
        self._log = GrowingLog(path, _LOOK_BACK)
        self._app_id = app_id.encode()

    def read(self) -> list[Answered]:
        """What instances answered for the app since the last call; the first call looks back a little."""
        found = (answered(line) for line in self._log.read_all() if self._app_id in line)
        return [answer for answer in found if answer is not None and answer.upstream]

    def close(self) -> None:
        self._log.close()


def answered(line: bytes) -> Answered | None:
    """None for a line that is cut off, and for what no app was asked."""
    try:
        row = json.loads(line)
        return Answered(
            float(row["ts"]),
            str(row.get("upstream") or ""),
            int(row["status"]),
            float(row.get("duration", 0)),
            str(row.get("app") or ""),
        )
    except (ValueError, KeyError, TypeError):
        return None
