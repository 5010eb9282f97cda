"""A container engine in memory, with the same errors as the real one, on any clock, that fails when told to.

`tests/contract/container_engine.py` holds it and the real engine to the same behaviour.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from ipaddress import IPv4Network
from itertools import count
from typing import Any

from slipyard.clients.container_engine import (
    CommandResult,
    ContainerSpec,
    ContainerState,
    EngineEvent,
    EngineVersion,
    ImageFacts,
    LogLine,
    NetworkSpec,
    StoredImage,
    VolumeSpec,
)
from slipyard.clients.container_volumes_fake import FakeVolumes
from slipyard.clients.simulated_container import Behaviour, SimulatedContainer, SimulatedImage, spec_fields
from slipyard.domain.clock import Clock
from slipyard.domain.credentials import Credentials
from slipyard.domain.drift import LABEL, Difference, differences
from slipyard.domain.errors import Conflict, NotFound, SlipyardError, Unavailable
from slipyard.domain.health import HealthCheck
from slipyard.domain.usage import Reading

_KILLED = 137


class FakeContainerEngine(FakeVolumes):
    """`calls` counts what was asked of it. `down` makes it answer nothing, and ends its streams."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.executed: list[tuple[str, ...]] = []
        self._clock = clock
        self._down = False
        self._failures: dict[str, deque[SlipyardError]] = {}
        self._numbers = count(1)
        self._images: dict[str, SimulatedImage] = {}
        self._registry: dict[str, SimulatedImage] = {}
        self.pulled_with: dict[str, Credentials | None] = {}  # by reference
        self._networks: dict[str, NetworkSpec] = {}
        self._containers: dict[str, SimulatedContainer] = {}  # by id
        self._listeners: set[asyncio.Queue[EngineEvent | None]] = set()
        self._lives: set[asyncio.Task[None]] = set()

    # What a test arranges.

    def add_image(
        self,
        reference: str,
        behaviour: Behaviour = Behaviour(),  # noqa: B008 - frozen
        *,
        ports: tuple[int, ...] = (),
        labels: Mapping[str, str] | None = None,
    ) -> str:
        """An image in the engine; returns its id."""
        self._images[reference] = replace(_image(reference, behaviour, ports), labels=dict(labels or {}))
        return self._images[reference].facts.image_id

    def publish(self, reference: str, behaviour: Behaviour = Behaviour()) -> None:  # noqa: B008 - frozen
        """An image in a registry: it can be pulled."""
        self._registry[reference] = _image(reference, behaviour, ())

    def fail_next(self, call: str, error: SlipyardError, times: int = 1) -> None:
        self._failures.setdefault(call, deque()).extend([error] * times)

    @property
    def down(self) -> bool:
        return self._down

    @down.setter
    def down(self, down: bool) -> None:
        self._down = down
        if down:
            for listener in self._listeners:
                listener.put_nowait(None)

    def crash(self, container_id: str, exit_code: int = 1, *, out_of_memory: bool = False) -> None:
        self._die(self._known(container_id), exit_code, out_of_memory=out_of_memory)

    def meddle(self, container_id: str, *, connected: bool = True, keep: bool | None = None, **changes: Any) -> None:
        """As somebody does by hand: the container no longer is as it was made."""
        container = self._known(container_id)
        container.spec, container.connected = replace(container.spec, **changes), connected
        container.keep = container.keep if keep is None else keep
        self._tell("rename" if "name" in changes else "update", container)

    async def probe(self, address: str, port: int, check: HealthCheck) -> str | None:
        """In the place of `deployer/probes.py`: asks the simulated container that has this address."""
        for container in self._containers.values():
            if container.spec.address == address and container.running and container.connected:
                return container.complaint(port, check.timeout)
        return "did not answer: no route to host"

    # What Slipyard asks.

    async def version(self) -> EngineVersion:
        await self._called("version")
        return EngineVersion("fake", "1.41", containerd_image_store=False)

    async def image(self, reference: str) -> ImageFacts | None:
        await self._called("image")
        found = self._find_image(reference)
        return found.facts if found else None

    async def pull(self, reference: str, credentials: Credentials | None = None) -> ImageFacts:
        await self._called("pull")
        self.pulled_with[reference] = credentials
        if reference not in self._registry:
            raise NotFound(f"The container engine could not pull {reference}: manifest unknown. Check the name.")
        self._images[reference] = self._registry[reference]
        return self._images[reference].facts

    async def tag(self, image_id: str, reference: str) -> None:
        await self._called("tag")
        self._images[reference] = self._required_image(image_id)

    async def push(self, reference: str, credentials: Credentials | None = None) -> str:  # noqa: ARG002
        await self._called("push")
        image = self._required_image(reference)
        digest = f"sha256:{sha256(image.facts.image_id.encode()).hexdigest()}"
        self._registry[reference] = self._registry[f"{reference.rpartition(':')[0]}@{digest}"] = image
        return digest

    async def remove_image(self, reference: str) -> None:
        await self._called("remove_image")
        self._images.pop(reference, None)

    async def stored_images(self, labels: Mapping[str, str]) -> Sequence[StoredImage]:
        await self._called("stored_images")
        names: dict[str, list[str]] = {}
        for reference, image in self._images.items():
            names.setdefault(image.facts.image_id, []).append(reference)
        found = {image.facts.image_id: image for image in self._images.values()}
        return [
            StoredImage(image_id, tuple(names[image_id]), image.labels, image.bytes)
            for image_id, image in found.items()
            if labels.items() <= image.labels.items()
        ]

    async def image_bytes(self) -> Mapping[str, int]:
        await self._called("image_bytes")
        return {image.facts.image_id: image.bytes for image in self._images.values()}

    async def data_root(self) -> str:
        await self._called("data_root")
        return "/nowhere"

    async def create_network(self, spec: NetworkSpec) -> None:
        await self._called("create_network")
        there = self._networks.get(spec.name)
        if there is None:
            self._refuse_overlap(spec)
            self._networks[spec.name] = replace(spec, labels=dict(spec.labels))
        elif (there.subnet, there.labels) != (spec.subnet, dict(spec.labels)):
            raise Conflict(f"A network {spec.name} is already there with the subnet {there.subnet}. Use another name.")

    async def remove_network(self, name: str) -> None:
        await self._called("remove_network")
        there = (each for each in self._containers.values() if each.running and each.connected)
        if any(container.spec.network == name for container in there):
            raise Conflict(f"The network {name} has active endpoints. Remove its containers first.")
        self._networks.pop(name, None)

    async def networks(self, labels: Mapping[str, str]) -> Sequence[NetworkSpec]:
        await self._called("networks")
        return [spec for spec in self._networks.values() if labels.items() <= spec.labels.items()]

    async def create_container(self, spec: ContainerSpec) -> str:
        await self._called("create_container")
        image = self._required_image(spec.image)
        if self._find(spec.name) is not None:
            raise Conflict(f"The container name {spec.name} is already in use. Use another one.")
        for mount in spec.volumes:  # as the real one does with those that are not there
            self._volumes.setdefault(mount.volume, VolumeSpec(mount.volume, {}))
            self.volume_files.setdefault(mount.volume, {})
        container_id = sha256(f"container {next(self._numbers)}".encode()).hexdigest()
        self._containers[container_id] = SimulatedContainer(container_id, spec, image, self._clock)
        return container_id

    async def start(self, container_id: str) -> None:
        await self._called("start")
        container = self._known(container_id)
        if container.status == "paused":
            raise Conflict(f"The container {container_id} is paused. Unpause it instead.")
        if not container.running:
            self._refuse_start(container)
            self._begin(container)

    async def stop(self, container_id: str, grace_seconds: float) -> None:  # noqa: ARG002 - it ends at once
        await self._called("stop")
        container = self._known(container_id)
        container.keep = False
        if container.running:
            self._tell("kill", container)
            self._die(container, 0)

    async def _remove_container(self, container_id: str) -> None:
        await self._called("remove")
        container = self._find(container_id)
        if container is None:
            return
        container.keep = False
        if container.running:
            self._tell("kill", container)
            self._die(container, _KILLED)
        del self._containers[container.container_id]
        self._tell("destroy", container)

    async def keep_running(self, container_id: str, *, keep: bool) -> None:
        await self._called("keep_running")
        self._known(container_id).keep = keep

    async def pause(self, container_id: str) -> None:
        await self._called("pause")
        await self._set_paused(container_id, "paused", "pause")

    async def unpause(self, container_id: str) -> None:
        await self._called("unpause")
        await self._set_paused(container_id, "running", "unpause")

    async def memory(self, container_id: str) -> int | None:
        await self._called("memory")
        return self._known(container_id).image.behaviour.holds_bytes

    async def usage(self, container_id: str) -> Reading | None:
        await self._called("usage")
        return self._known(container_id).usage()

    async def container(self, name_or_id: str) -> ContainerState | None:
        await self._called("container")
        container = self._find(name_or_id)
        return container.state() if container else None

    async def containers(self, labels: Mapping[str, str]) -> Sequence[ContainerState]:
        await self._called("containers")
        return [
            container.state()
            for container in self._containers.values()
            if labels.items() <= container.spec.labels.items()
        ]

    async def drift(self, container_id: str, spec: ContainerSpec, *, keep: bool) -> Sequence[Difference]:
        await self._called("drift")
        container = self._known(container_id)
        wanted = spec_fields(spec, keep=keep)
        found = {
            name: value for name, value in container.fields().items() if not name.startswith(LABEL) or name in wanted
        }
        if container.image is self._find_image(spec.image):
            found["image"] = spec.image
        return differences(wanted, found)

    async def limit(self, container_id: str, spec: ContainerSpec) -> None:
        await self._called("limit")
        container = self._known(container_id)
        container.spec = replace(container.spec, millicores=spec.millicores, memory_bytes=spec.memory_bytes)
        self._tell("update", container)

    async def rename(self, container_id: str, name: str) -> None:
        await self._called("rename")
        if self._find(name) is not None:
            raise Conflict(f"The container name {name} is already in use. Use another one.")
        container = self._known(container_id)
        container.spec = replace(container.spec, name=name)
        self._tell("rename", container)

    async def connect(self, container_id: str, spec: ContainerSpec) -> None:
        await self._called("connect")
        if spec.network not in self._networks:
            raise NotFound(f"The container engine has no such network: {spec.network}. Create it.")
        container = self._known(container_id)
        container.spec = replace(container.spec, network=spec.network, address=spec.address)
        container.connected = True

    async def disconnect(self, container_id: str, network: str) -> None:
        await self._called("disconnect")
        container = self._containers.get(container_id)
        if container is not None and container.spec.network == network:
            container.connected = False

    async def execute(self, container_id: str, command: Sequence[str]) -> CommandResult:
        await self._called("execute")
        container = self._known(container_id)
        if not container.running:
            raise Conflict(f"The container {container_id} is not running. Start it.")
        self.executed.append(tuple(command))
        said = container.behaviour.command_fails
        return CommandResult(0) if said is None else CommandResult(1, said)

    async def wait(self, container_id: str) -> int:
        await self._called("wait")
        container = self._known(container_id)
        while container.running:
            await container.changed()
        return container.exit_code or 0

    async def logs(
        self, container_id: str, *, tail: int | None = None, since: datetime | None = None, follow: bool = False
    ) -> AsyncGenerator[LogLine, None]:
        await self._called("logs")
        container = self._known(container_id)
        there = [line for line in container.lines if since is None or line.timestamp >= since]
        for line in there if tail is None else there[max(0, len(there) - tail) :]:
            yield line
        read = len(container.lines)
        while follow and (container.running or read < len(container.lines)):
            if read == len(container.lines):
                await container.changed()
            for line in container.lines[read:]:
                yield line
            read = len(container.lines)

    async def events(self, labels: Mapping[str, str]) -> AsyncGenerator[EngineEvent, None]:
        queue: asyncio.Queue[EngineEvent | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            await self._called("events")
            while (event := await queue.get()) is not None:
                if labels.items() <= event.labels.items():
                    yield event
        finally:
            self._listeners.discard(queue)
        raise Unavailable("The container engine could not report events: it went away. Start it.")

    async def _called(self, call: str) -> None:
        """Every call lets others run, as the real one does."""
        self.calls[call] += 1
        await asyncio.sleep(0)
        if self._down:
            raise Unavailable("The container engine does not answer. Start it.")
        if waiting := self._failures.get(call):
            raise waiting.popleft()

    def _find_image(self, reference: str) -> SimulatedImage | None:
        by_id = {image.facts.image_id: image for image in self._images.values()}
        return self._images.get(reference) or by_id.get(reference)

    def _required_image(self, reference: str) -> SimulatedImage:
        image = self._find_image(reference)
        if image is None:
            raise NotFound(f"The container engine has no such image: {reference}. Build or pull it.")
        return image

    def _held_volumes(self) -> Sequence[Sequence[str]]:
        return [[mount.volume for mount in each.spec.volumes] for each in self._containers.values()]

    def _find(self, name_or_id: str) -> SimulatedContainer | None:
        by_name = {container.spec.name: container for container in self._containers.values()}
        return self._containers.get(name_or_id) or by_name.get(name_or_id)

    def _known(self, name_or_id: str) -> SimulatedContainer:
        container = self._find(name_or_id)
        if container is None:
            raise NotFound(f"The container engine has no such container: {name_or_id}. Check the name.")
        return container

    def _refuse_overlap(self, spec: NetworkSpec) -> None:
        for other in self._networks.values():
            if IPv4Network(spec.subnet).overlaps(IPv4Network(other.subnet)):
                raise Conflict(f"Pool overlaps: {spec.subnet} with the network {other.name}. Use another subnet.")

    def _refuse_start(self, container: SimulatedContainer) -> None:
        spec = container.spec
        if spec.network not in self._networks:
            raise NotFound(f"The container engine has no such network: {spec.network}. Create it.")
        for other in self._containers.values():
            if other.running and (other.spec.network, other.spec.address) == (spec.network, spec.address):
                raise Conflict(f"The address {spec.address} is already in use by {other.spec.name}. Use another one.")

    async def _set_paused(self, container_id: str, status: str, action: str) -> None:
        container = self._known(container_id)
        if not container.running:
            raise Conflict(f"The container {container_id} is not running. Start it.")
        if container.status != status:
            container.status = status
            self._tell(action, container)

    def _begin(self, container: SimulatedContainer) -> None:
        container.begin()
        self._tell("start", container)
        self.begin_attached(container, lambda code: self._ended(container.container_id, code))
        if container.behaviour.exits_after is not None:
            life = asyncio.create_task(self._live(container, container.behaviour.exits_after))
            self._lives.add(life)
            life.add_done_callback(self._lives.discard)

    async def _live(self, container: SimulatedContainer, seconds: float) -> None:
        run, behaviour = container.runs, container.behaviour
        await self._clock.sleep(seconds)
        if container.running and container.runs == run:
            self._die(container, behaviour.exit_code, out_of_memory=behaviour.out_of_memory)

    def _die(self, container: SimulatedContainer, exit_code: int, *, out_of_memory: bool = False) -> None:
        if out_of_memory:
            self._tell("oom", container)
        container.end(exit_code, out_of_memory=out_of_memory)
        self._tell("die", container, exit_code)
        if container.keep:
            container.restarts += 1
            self._begin(container)

    def _ended(self, container_id: str, exit_code: int) -> None:
        container = self._containers.get(container_id)
        if container is not None and container.running:
            self._die(container, exit_code)

    def _tell(self, action: str, container: SimulatedContainer, exit_code: int | None = None) -> None:
        event = EngineEvent(action, container.container_id, dict(container.spec.labels), exit_code)
        for listener in self._listeners:
            listener.put_nowait(event)


def _image(reference: str, behaviour: Behaviour, ports: tuple[int, ...]) -> SimulatedImage:
    image_id = f"sha256:{sha256(reference.encode()).hexdigest()}"
    return SimulatedImage(ImageFacts(image_id, (), ports, (), None, "", behaviour.health_command), behaviour)
