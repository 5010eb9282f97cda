"""A container that exists only in memory: what its image makes it do, and what has become of it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from slipyard.clients.container_engine import ContainerSpec, ContainerState, ImageFacts, LogLine
from slipyard.domain.clock import Clock
from slipyard.domain.drift import ENV, LABEL
from slipyard.domain.usage import Reading

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Behaviour:
    """Seconds from the start. `complaint` is what every probe gets once it answers: "answered 500 on /healthz"."""

    ready_after: float = 0.0
    exits_after: float | None = None
    exit_code: int = 0
    out_of_memory: bool = False
    port: int | None = None  # None: the PORT that it was given
    complaint: str | None = None
    output: tuple[str, ...] = ()
    health_command: tuple[str, ...] | None = None  # of the image's HEALTHCHECK
    by_command: tuple[tuple[str, "Behaviour"], ...] = ()  # for containers in whose command this text occurs
    holds_bytes: int = 20 * 1024 * 1024
    cores: float = 0.01  # that it uses all the time
    command_fails: str | None = None  # what a command inside it says before it exits with 1; None: it succeeds


@dataclass(frozen=True)
class SimulatedImage:
    facts: ImageFacts
    behaviour: Behaviour = Behaviour()
    labels: Mapping[str, str] = field(default_factory=dict)
    bytes: int = 5 * _MIB


@dataclass
class SimulatedContainer:
    container_id: str
    spec: ContainerSpec
    image: SimulatedImage
    clock: Clock
    status: str = "created"
    exit_code: int | None = None
    out_of_memory: bool = False
    restarts: int = 0
    keep: bool = False
    connected: bool = True
    runs: int = 0
    started: float = 0.0
    started_at: datetime | None = None
    lines: list[LogLine] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def behaviour(self) -> Behaviour:
        command = " ".join([*(self.spec.entrypoint or ()), *(self.spec.command or ())])
        special = (behaviour for text, behaviour in self.image.behaviour.by_command if text in command)
        return next(special, self.image.behaviour)

    @property
    def running(self) -> bool:
        return self.status in {"running", "paused"}

    def begin(self) -> None:
        self.runs += 1
        self.status, self.exit_code = "running", None
        self.started, self.started_at = self.clock.monotonic(), self.clock.now()
        self.say(self.behaviour.output)

    def end(self, exit_code: int, *, out_of_memory: bool = False) -> None:
        self.status, self.exit_code, self.out_of_memory = "exited", exit_code, out_of_memory
        self._notify()

    def say(self, messages: Sequence[str], stream: str = "stdout") -> None:
        self.lines += [LogLine(self.clock.now(), stream, message) for message in messages]
        self._notify()

    async def changed(self) -> None:
        await self._changed.wait()

    def complaint(self, port: int, seconds: float) -> str | None:
        """What a probe is told, as `deployer/probes.py` says it."""
        behaviour = self.behaviour
        listening = behaviour.port or int(self.spec.env.get("PORT", port))
        if self.status == "paused":
            return f"did not answer within {seconds:g} s"
        if not self.running or listening != port or self.clock.monotonic() < self.started + behaviour.ready_after:
            return "did not answer: connection refused"
        return behaviour.complaint

    def usage(self) -> Reading | None:
        if not self.running:
            return None
        spent = self.behaviour.cores * (self.clock.monotonic() - self.started)
        return Reading(spent, self.behaviour.holds_bytes, 1, received=0, sent=0, read=0, written=0)

    def fields(self) -> dict[str, str]:
        told = spec_fields(self.spec, keep=self.keep)
        return told if self.connected else {name: value for name, value in told.items() if name != "network"}

    def state(self) -> ContainerState:
        return ContainerState(
            container_id=self.container_id,
            name=self.spec.name,
            labels=dict(self.spec.labels),
            image_id=self.image.facts.image_id,
            running=self.running,
            paused=self.status == "paused",
            restarting=False,
            exit_code=self.exit_code,
            out_of_memory=self.out_of_memory,
            restarts=self.restarts,
            started_at=self.started_at,
            addresses=(self.spec.address,) if self.connected else (),
            networks=(self.spec.network,) if self.connected else (),
        )

    def _notify(self) -> None:
        old, self._changed = self._changed, asyncio.Event()
        old.set()


def spec_fields(spec: ContainerSpec, *, keep: bool) -> dict[str, str]:
    """The main fields of `docker_engine/container_fields.py`, under the same names."""
    named = {
        "name": spec.name,
        "image": spec.image,
        "command": json.dumps(spec.command),
        "cpu": f"{spec.millicores / 1000:g} cores",
        "memory": f"{spec.memory_bytes / _MIB:g} MiB",
        "network": f"{spec.network} {spec.address}",
        "restart policy": "unless-stopped" if keep else "no",
    }
    if spec.volumes:
        named["Mounts"] = json.dumps([[each.volume, each.path, each.read_only] for each in spec.volumes])
    labels = {f"{LABEL}{name}": value for name, value in spec.labels.items()}
    return {**named, **labels, **{f"{ENV}{name}": value for name, value in spec.env.items()}}
