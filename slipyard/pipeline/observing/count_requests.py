"""Requests of all apps, counted from the router's access log: by app, and by the address that answered.

The router writes to a file and waits for nobody; whoever reads is late at worst. What was read is remembered with the
series, so that another leader goes on there.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from slipyard.deployer.access_log import answered
from slipyard.deployer.growing_log import GrowingLog, Place
from slipyard.domain.traffic import Traffic, TrafficCount

PLACE = "access.place"  # in the directory of metrics
_ERROR = 500


@dataclass
class Answers:
    """Of one address."""

    requests: int = 0
    errors: int = 0


@dataclass
class Counted:
    """Since the last take. `by_upstream` by `ip:port`."""

    by_app: defaultdict[str, TrafficCount] = field(default_factory=lambda: defaultdict(TrafficCount))
    by_upstream: defaultdict[str, Answers] = field(default_factory=lambda: defaultdict(Answers))

    def traffic(self) -> Mapping[str, Traffic]:
        return {app_id: count.value() for app_id, count in self.by_app.items()}


class RequestCount:
    """Blocking: call it in a thread."""

    def __init__(self, log: Path, place: Path) -> None:
        self._log = GrowingLog(log)
        self._place = place
        self._counted = Counted()
        self._remembered: Place | None = None
        with suppress(OSError, ValueError, TypeError):
            self._log.resume(Place(**json.loads(place.read_text())))
        self._log.skip()

    def look(self) -> None:
        """Counts what was added, at most 32 MiB of it: a leader that was away catches up over several passes."""
        for line in self._log.read():
            answer = answered(line)
            if answer is None or not answer.app_id:
                continue
            self._counted.by_app[answer.app_id].add(answer.status, answer.seconds)
            if answer.upstream:
                by_address = self._counted.by_upstream[answer.upstream]
                by_address.requests += 1
                by_address.errors += answer.status >= _ERROR

    def take(self) -> Counted:
        """What was counted, once."""
        taken, self._counted = self._counted, Counted()
        return taken

    def remember(self) -> None:
        """After what was taken is written: a crash in between counts it twice rather than never."""
        reached = self._log.place
        if reached is not None and reached != self._remembered:
            self._remembered = reached
            draft = self._place.with_suffix(".new")
            draft.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(asdict(reached)))
            draft.replace(self._place)
