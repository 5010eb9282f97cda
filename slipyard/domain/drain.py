"""Output on its way elsewhere."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DrainKind(StrEnum):
    SYSLOG = "syslog"
    HTTP = "http"
    LOKI = "loki"


@dataclass(frozen=True)
class DrainLine:
    """`app` is the slug."""

    at: datetime
    app: str
    service: str
    instance_id: str
    stream: str
    message: str

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.message) + 100
