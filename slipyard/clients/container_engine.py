"""The door to the container engine: what Slipyard asks of it, as values. `docker_engine.py` is the real one.

Every call is idempotent where the engine allows it. Raises `Unavailable` where the engine does not answer,
`NotFound` for a thing that is not there, `Conflict` for a name or an address that is taken.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from slipyard.clients.container_commands import ContainerCommands
from slipyard.domain.credentials import Credentials
from slipyard.domain.drift import Difference
from slipyard.domain.usage import Reading

VOLUME_PATH = "/volume"


@dataclass(frozen=True)
class EngineVersion:
    version: str
    api_version: str
    containerd_image_store: bool


@dataclass(frozen=True)
class ImageFacts:
    image_id: str
    repo_digests: tuple[str, ...]
    exposed_ports: tuple[int, ...]
    command: tuple[str, ...]
    stop_signal: str | None
    user: str
    health_command: tuple[str, ...] | None = None  # of its HEALTHCHECK, as arguments


@dataclass(frozen=True)
class StoredImage:
    """`names` are its tags; `bytes` are those of all its layers, also of those that it shares."""

    image_id: str
    names: tuple[str, ...]
    labels: Mapping[str, str]
    bytes: int


@dataclass(frozen=True)
class NetworkSpec:
    name: str
    subnet: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class FileMount:
    """A file of the engine's machine that a container may read."""

    source: str
    path: str


@dataclass(frozen=True)
class VolumeSpec:
    """`size_bytes` is asked for; not every engine can hold a volume to it."""

    name: str
    labels: Mapping[str, str]
    size_bytes: int | None = None


@dataclass(frozen=True)
class VolumeMount:
    """A volume of the engine, by the engine's name."""

    volume: str
    path: str
    read_only: bool = False


@dataclass(frozen=True)
class ContainerSpec:
    """Always: no-new-privileges, capabilities dropped, an init, limits, one network, never the engine's socket."""

    name: str
    image: str
    env: Mapping[str, str] = field(repr=False)
    labels: Mapping[str, str]
    network: str
    address: str
    aliases: tuple[str, ...] = ()
    command: tuple[str, ...] | None = None  # replaces the image's CMD, keeps its ENTRYPOINT
    millicores: int = 1000
    memory_bytes: int = 512 * 1024 * 1024
    processes: int = 4096
    mounts: tuple[FileMount, ...] = ()
    volumes: tuple[VolumeMount, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    open_input: bool = False  # somebody is attached to its first process, which ends when he lets go
    terminal: bool = False
    log_megabytes: int = 10
    log_files: int = 3


@dataclass(frozen=True)
class ContainerState:
    """`running` is true while paused too, and false while the engine waits to restart it."""

    container_id: str
    name: str
    labels: Mapping[str, str]
    image_id: str
    running: bool
    paused: bool
    restarting: bool
    exit_code: int | None
    out_of_memory: bool
    restarts: int
    started_at: datetime | None
    addresses: tuple[str, ...]
    pid: int | None = None  # of its first process, as the host sees it; only `container` says it
    error: str = ""  # why the engine could not start it; only `container` says it
    networks: tuple[str, ...] = ()  # their names, one for each of `addresses`


@dataclass(frozen=True)
class CommandResult:
    """Of a command inside a container; `last_line` is the end of what it said."""

    exit_code: int
    last_line: str = ""


@dataclass(frozen=True)
class LogLine:
    timestamp: datetime
    stream: str
    message: str


@dataclass(frozen=True)
class EngineEvent:
    action: str  # start, die, oom, pause, unpause, update, rename, kill (somebody sent a signal), destroy
    container_id: str
    labels: Mapping[str, str]
    exit_code: int | None = None  # of a death


class ContainerEngine(ContainerCommands, Protocol):
    async def version(self) -> EngineVersion: ...

    async def image(self, reference: str) -> ImageFacts | None: ...

    async def pull(self, reference: str, credentials: Credentials | None = None) -> ImageFacts: ...

    async def tag(self, image_id: str, reference: str) -> None: ...

    async def push(self, reference: str, credentials: Credentials | None = None) -> str:
        """Pushes `repository:tag` and returns the digest of its manifest as the engine reports it."""

    async def remove_image(self, reference: str) -> None: ...

    async def stored_images(self, labels: Mapping[str, str]) -> Sequence[StoredImage]:
        """Those that have all the labels, also without a name."""

    async def image_bytes(self) -> Mapping[str, int]:
        """By image id, what goes from the disk when that image alone goes. May take seconds."""

    async def data_root(self) -> str:
        """The directory of the engine's data, on the engine's machine."""

    async def create_network(self, spec: NetworkSpec) -> None:
        """Also succeeds where the same network is already there. `Conflict` where the subnet overlaps another."""

    async def remove_network(self, name: str) -> None: ...

    async def networks(self, labels: Mapping[str, str]) -> Sequence[NetworkSpec]: ...

    async def create_volume(self, spec: VolumeSpec) -> bool:
        """Whether the engine holds it to its size. Done too where the same volume is there; `Conflict` with other labels."""

    async def volume(self, name: str) -> VolumeSpec | None:
        """Without its size."""

    async def volumes(self, labels: Mapping[str, str]) -> Sequence[VolumeSpec]:
        """Without their sizes."""

    async def volume_bytes(self, name: str) -> int | None:
        """What lies in it on the disk; None where nobody here can say. `NotFound`."""

    async def remove_volume(self, name: str) -> None:
        """With all that is in it. Gone already is done; `Conflict` while a container has it, running or not."""

    async def open_volume(self, name: str, door: str, labels: Mapping[str, str]) -> str:
        """A container that never runs and has the volume at `VOLUME_PATH`, to copy out of it and into it; its id. `door`
        names an empty image, which is made where it is missing. `NotFound` where there is no such volume."""

    async def create_container(self, spec: ContainerSpec) -> str:
        """The container's id. `Conflict` where the name is taken: the fence between two holders of one claim."""

    async def start(self, container_id: str) -> None: ...

    async def stop(self, container_id: str, grace_seconds: float) -> None: ...

    async def remove(self, container_id: str) -> None:
        """Kills it where it runs. Gone already is done."""

    async def keep_running(self, container_id: str, *, keep: bool) -> None:
        """Restart policy `unless-stopped` or `no`."""

    async def pause(self, container_id: str) -> None:
        """All its processes stand still and keep their memory. Paused already is done. `Conflict` where it does not run."""

    async def unpause(self, container_id: str) -> None:
        """Not paused is done. `Conflict` where it does not run."""

    async def memory(self, container_id: str) -> int | None:
        """Bytes that its processes hold now, without what the kernel keeps of files; None where nobody can say."""

    async def usage(self, container_id: str) -> Reading | None:
        """What it uses, counted from its start, for where the kernel's own count cannot be read; None where it does not run."""

    async def container(self, name_or_id: str) -> ContainerState | None: ...

    async def containers(self, labels: Mapping[str, str]) -> Sequence[ContainerState]:
        """Running or not, in one list call: no inspect for each, so `out_of_memory` is False, `restarts` 0 and
        `started_at` None here."""

    async def drift(self, container_id: str, spec: ContainerSpec, *, keep: bool) -> Sequence[Difference]:
        """What is not as `spec` says, field by field; `keep` as in `keep_running`. Labels and variables that others
        added to the container are told, those of its image are not. `NotFound` where it is gone."""

    async def limit(self, container_id: str, spec: ContainerSpec) -> None:
        """Its limits become those of `spec`, while it runs on."""

    async def rename(self, container_id: str, name: str) -> None:
        """`Conflict` where the name is taken."""

    async def connect(self, container_id: str, spec: ContainerSpec) -> None:
        """It is in the network of `spec` under its address, and in no other. `NotFound` where there is no such network."""

    async def disconnect(self, container_id: str, network: str) -> None:
        """Running or paused; nothing leads to it from there any more. Not connected, or gone, already is done."""

    async def execute(self, container_id: str, command: Sequence[str]) -> CommandResult:
        """Runs a command beside what runs there. `Conflict` where the container does not run. Cancelling leaves the
        command to itself: the engine cannot end it."""

    async def wait(self, container_id: str) -> int:
        """Returns its exit code as soon as it does not run, at once where it ended before. Cancelling is cheap."""

    def logs(
        self, container_id: str, *, tail: int | None = None, since: datetime | None = None, follow: bool = False
    ) -> AsyncIterator[LogLine]: ...

    def events(self, labels: Mapping[str, str]) -> AsyncIterator[EngineEvent]: ...
