"""What the engine reported of instances since the healer looked last: kept in memory, and no promise rests on it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from slipyard.deployer.driver import InstanceEvent
from slipyard.domain.clock import Clock

# A container that somebody changed is looked at more closely.
_ALTERS = {"update", "rename", "start"}
_SAYS_NOTHING_NEW = {"kill", "oom"}  # what follows from them is reported by itself


@dataclass(frozen=True)
class Report:
    """`changed` has the container of each instance. `deaths` are those that nobody asked for: how many, and the code of
    the last one. `altered` are containers. `removed` are instances whose container is gone, with its name and address.
    `reliable`: it was listened to all the time."""

    changed: Mapping[str, str]
    deaths: Mapping[str, tuple[int, int | None]]
    altered: frozenset[str]
    reliable: bool
    removed: frozenset[str] = frozenset()


@dataclass
class Stirred:
    """Filled by `hear_engine`, emptied by `heal`."""

    listening: bool = False
    _changed: dict[str, str] = field(default_factory=dict)
    _deaths: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    _altered: set[str] = field(default_factory=set)
    _killed: set[str] = field(default_factory=set)
    _removed: set[str] = field(default_factory=set)
    _later: dict[str, tuple[float, str]] = field(default_factory=dict)
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, event: InstanceEvent) -> None:
        """A death after a signal that somebody sent is no failure of the app's own."""
        match event.action:
            case "kill":
                self._killed.add(event.container_id)
            case "die" if event.container_id not in self._killed:
                count, _ = self._deaths.get(event.instance_id, (0, None))
                self._deaths[event.instance_id] = (count + 1, event.exit_code)
            case "start" | "destroy":
                self._killed.discard(event.container_id)
        if event.action == "destroy":
            self._removed.add(event.instance_id)
        if event.action in _ALTERS:
            self._altered.add(event.container_id)
        if event.action not in _SAYS_NOTHING_NEW:
            self._changed[event.instance_id] = event.container_id
            self._stirred.set()

    def remind(self, instance_id: str, container_id: str, at: float) -> None:
        """It is looked at again then, by the monotonic clock: its time to be started has come."""
        self._later[instance_id] = (at, container_id)

    def take(self, now: float) -> Report:
        for instance_id, (at, container_id) in list(self._later.items()):
            if at <= now:
                self._changed.setdefault(instance_id, container_id)
                del self._later[instance_id]
        altered, removed = frozenset(self._altered), frozenset(self._removed)
        report = Report(self._changed, self._deaths, altered, self.listening, removed)
        self._changed, self._deaths, self._altered, self._removed = {}, {}, set(), set()
        self._stirred.clear()
        return report

    def lost(self) -> None:
        """Nobody knows what happens from here on."""
        self.listening = False
        self._killed.clear()

    async def rest(self, clock: Clock, seconds: float) -> None:
        """Until something is reported, or somebody's time has come, or so long."""
        soonest = min((at for at, _ in self._later.values()), default=None)
        left = seconds if soonest is None else min(seconds, max(0.0, soonest - clock.monotonic()))
        sleeping = asyncio.ensure_future(clock.sleep(left))
        waiting = asyncio.ensure_future(self._stirred.wait())
        try:
            await asyncio.wait({sleeping, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waiting.cancel()
