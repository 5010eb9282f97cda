"""What a runtime must do for the pipeline. `docker/` is the first driver.

Order of calls for one rollout: `ensure_network`, `ensure_image`, `start` for each instance (any order, repeatable),
`wait_ready` for each, then the router's `switch`; later, for each old instance, `retire`. `retire` may only be called
for an instance that the store has committed as `retiring`.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from slipyard.clients.container_commands import Terminal
from slipyard.clients.container_engine import ImageFacts, LogLine
from slipyard.deployer.commands import CommandState, RunningCommand
from slipyard.domain.configuration import SecretFile
from slipyard.domain.credentials import Credentials
from slipyard.domain.drift import Difference
from slipyard.domain.health import HealthCheck
from slipyard.domain.resources import Resources


@dataclass(frozen=True)
class AppNetwork:
    """A network of one app: a /26 that no other app has until the app's route is gone."""

    app_id: str
    subnet: str


@dataclass(frozen=True)
class EngineVolume:
    """Each `generation` of a volume has its own place in the engine: a restore fills the next one, and then it counts."""

    id: str
    generation: int = 1


@dataclass(frozen=True)
class InstanceVolume:
    """`name` is the app's word for it."""

    volume: EngineVolume
    name: str
    path: str
    read_only: bool = False


@dataclass(frozen=True)
class InstanceSpec:
    """One container to be. Its name comes from `instance_id`, so a second attempt finds what the first one made."""

    instance_id: str
    app_id: str
    app_slug: str
    deployment_id: str
    release_id: str
    service: str
    image: str
    address: str
    port: int | None
    env: Mapping[str, str] = field(repr=False)
    command: tuple[str, ...] | None
    resources: Resources
    health_check: HealthCheck
    files: tuple[SecretFile, ...] = field(default=(), repr=False)
    entrypoint: tuple[str, ...] | None = None
    aliases: tuple[str, ...] = ()  # in the app's network, beside the name of its service
    volumes: tuple[InstanceVolume, ...] = ()


@dataclass(frozen=True)
class Observation:
    """What the runtime says of one instance now. `astray`: it has another name or other networks than it was given; it
    may as well be a copy that somebody made, which inherits the labels."""

    instance_id: str
    app_id: str
    container_id: str
    image_id: str
    running: bool
    paused: bool
    exit_code: int | None
    out_of_memory: bool
    restarts: int
    started_at: datetime | None
    restarting: bool = False  # the engine is about to start it again by itself
    astray: bool = False
    named: bool = True  # it has the instance's own name
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class InstanceEvent:
    action: str
    instance_id: str
    app_id: str
    container_id: str
    exit_code: int | None = None  # of a death


class Driver(Protocol):
    async def run_command(self, spec: InstanceSpec, terminal: Terminal | None) -> RunningCommand:
        """In a container of its own, which is no instance; `instance_id` is the id of the run. `Conflict` where it is there."""

    async def command_in(self, instance_id: str, command: Sequence[str], terminal: Terminal | None) -> RunningCommand:
        """Beside what runs in an instance. `NotFound` where it has no container, `Conflict` where that does not run."""

    async def begin_command(self, spec: InstanceSpec) -> None:
        """The same without anybody who watches it: it goes on whoever dies. One that ran already is not begun again."""

    async def command_state(self, run_id: str) -> CommandState | None:
        """None where it has no container."""

    async def stop_command(self, run_id: str, grace_seconds: float) -> None:
        """It is told to end, and killed where it does not. Gone already is done."""

    async def remove_command(self, run_id: str) -> None:
        """The container of a command. Gone already is done."""

    def copy_out(self, instance_id: str, path: str) -> AsyncIterator[bytes]:
        """A tar of what lies there. `NotFound` where nothing does."""

    async def copy_in(self, instance_id: str, path: str, content: AsyncIterator[bytes]) -> None:
        """A tar, unpacked into a directory of it."""

    async def keep_secret_files(self, release_ids: Collection[str]) -> None:
        """What lies in memory for other releases goes."""

    async def ensure_network(self, network: AppNetwork) -> None:
        """`Conflict` where another installation owns an overlapping subnet: issue another one."""

    async def remove_network(self, app_id: str) -> None: ...

    async def make_volume(self, volume: EngineVolume, size_bytes: int | None) -> bool:
        """Whether the engine holds it to its size. There already is done."""

    async def remove_volume(self, volume: EngineVolume) -> None:
        """With its data. Gone already is done; `Conflict` while a container has it."""

    async def volume_bytes(self, volume: EngineVolume) -> int | None:
        """On the disk; None where nobody here can say. `NotFound`."""

    async def volumes(self) -> Sequence[EngineVolume]:
        """All of this installation."""

    def read_volume(self, volume: EngineVolume, reader: str) -> AsyncIterator[bytes]:
        """A tar of all that is in it, its names below `./`. Whoever uses it meanwhile is not stopped. `reader` is noted in
        the engine. `NotFound`."""

    async def write_volume(self, volume: EngineVolume, writer: str, content: AsyncIterator[bytes]) -> None:
        """A tar, unpacked over what is in it. `NotFound`."""

    async def doors(self) -> Mapping[str, str]:
        """What is open for reading or writing: who noted himself, by the id by which it is closed."""

    async def close_door(self, door: str) -> None:
        """Of somebody who is gone."""

    async def ensure_image(self, reference: str, *, pull: bool, credentials: Credentials | None = None) -> ImageFacts:
        """The image on this engine; pulled where it is missing, or always where `pull` is set."""

    async def start(self, spec: InstanceSpec) -> str:
        """Creates and starts; returns the container's id. Finds and reuses what an earlier attempt made, paused or not."""

    async def run_once(self, spec: InstanceSpec) -> str:
        """The same for a command that ends by itself: one that an earlier attempt started is never started again."""

    async def wait_end(self, container_id: str) -> int:
        """Its exit code. `NotFound` where somebody removed it."""

    async def wait_ready(self, spec: InstanceSpec, container_id: str) -> None:
        """Returns at the first good probe. `RolloutFailed` with the reason and the last log lines where the
        container exits, or `health_check.start_period` passes."""

    async def ask(self, spec: InstanceSpec, container_id: str) -> str | None:
        """One check of its health: None is well, a text is the complaint, such as "answered 500 on /healthz"."""

    async def keep_running(self, container_id: str, *, keep: bool) -> None:
        """Whether the engine brings it back after a crash or a reboot: true once it serves, false before retiring."""

    async def drift(self, spec: InstanceSpec, container_id: str, *, keep: bool) -> Sequence[Difference]:
        """What is not as it was made, field by field; `keep` as in `keep_running`. `NotFound` where it is gone."""

    async def put_right(
        self, spec: InstanceSpec, container_id: str, found: Sequence[Difference], *, keep: bool
    ) -> Sequence[Difference]:
        """While it runs on; returns what is left, which only another instance can have as it should be."""

    async def pause(self, container_id: str) -> int | None:
        """Freezes it with its memory; returns how many bytes that is, None where nobody can say. `NotFound` or `Conflict` where it does not run."""

    async def rest(self, container_id: str, grace_seconds: float) -> None:
        """Stops it and keeps it, paused or not: `start` brings it back. `NotFound`."""

    async def leave_network(self, app_id: str, container_id: str) -> None:
        """No name of its app's network leads to it any more, running or paused. Gone already is done."""

    async def join_network(self, spec: InstanceSpec, container_id: str) -> None:
        """Back under its names and its address. `NotFound` where it is gone."""

    async def thaw(self, container_id: str) -> None:
        """Runs on from where it was paused. `NotFound` or `Conflict` where there is nothing to thaw."""

    async def retire(self, instance_id: str, grace_seconds: float, container_id: str | None = None) -> None:
        """Stops and removes the instance's container, also where somebody gave it another name. Gone already is done."""

    async def observe(self) -> Sequence[Observation]:
        """Every instance of this installation, in one call to the engine."""

    async def look(self, instance_id: str, container_id: str | None = None) -> Observation | None:
        """By its own name, else by the container, which somebody may have renamed."""

    def logs(
        self, instance_id: str, *, tail: int | None = None, since: datetime | None = None, follow: bool = False
    ) -> AsyncIterator[LogLine]: ...

    def events(self) -> AsyncIterator[InstanceEvent]:
        """Deaths, starts and removals as the engine reports them; ends when the engine goes away."""
