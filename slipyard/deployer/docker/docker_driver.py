"""The driver for one Docker Engine. On the path to live it asks the engine for an image, a create and a start."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from slipyard.clients.container_engine import (
    ContainerEngine,
    ContainerSpec,
    ContainerState,
    ImageFacts,
    LogLine,
    NetworkSpec,
)
from slipyard.deployer.docker import names
from slipyard.deployer.docker.commands import Commands
from slipyard.deployer.docker.repairs import Repairs
from slipyard.deployer.docker.secret_files import IN_MEMORY, SecretFiles
from slipyard.deployer.docker.translate import container_spec, instance_event, observation
from slipyard.deployer.docker.volumes import Volumes
from slipyard.deployer.driver import AppNetwork, InstanceEvent, InstanceSpec, Observation
from slipyard.deployer.probes import Probe, probe
from slipyard.deployer.readiness import Candidate, Readiness
from slipyard.domain.clock import Clock
from slipyard.domain.credentials import Credentials
from slipyard.domain.drift import Difference, Repair
from slipyard.domain.errors import Conflict, NotFound, RolloutFailed, Unavailable, UserError


class DockerDriver(Commands, Volumes):
    def __init__(
        self,
        engine: ContainerEngine,
        installation_id: str,
        clock: Clock,
        probe: Probe = probe,
        secret_files: Path = IN_MEMORY,
    ) -> None:
        self.secret_files = SecretFiles(secret_files, installation_id)
        self._engine = engine
        self._installation_id = installation_id
        self._readiness = Readiness(engine, clock, probe)
        self._networks: dict[str, AppNetwork] = {}  # by app; what this process has seen in the engine

    async def ensure_network(self, network: AppNetwork) -> None:
        if self._networks.get(network.app_id) != network:
            await self._make_network(network)

    async def remove_network(self, app_id: str) -> None:
        self._networks.pop(app_id, None)
        await self._engine.remove_network(names.network_name(self._installation_id, app_id))

    async def ensure_image(self, reference: str, *, pull: bool, credentials: Credentials | None = None) -> ImageFacts:
        there = None if pull else await self._engine.image(reference)
        return there or await self._engine.pull(reference, credentials)

    async def start(self, spec: InstanceSpec) -> str:
        container_id = await self._created(spec)
        await self._started_or_refused(spec, container_id)
        return container_id

    async def run_once(self, spec: InstanceSpec) -> str:
        container_id = await self._created(spec)
        state = await self._engine.container(container_id)
        if state is not None and state.started_at is None:
            await self._started_or_refused(spec, container_id)
        return container_id

    async def wait_end(self, container_id: str) -> int:
        return await self._engine.wait(container_id)

    async def wait_ready(self, spec: InstanceSpec, container_id: str) -> None:
        await self._readiness.wait(_candidate(spec, container_id))

    async def ask(self, spec: InstanceSpec, container_id: str) -> str | None:
        return await self._readiness.ask(_candidate(spec, container_id))

    async def keep_running(self, container_id: str, *, keep: bool) -> None:
        await self._engine.keep_running(container_id, keep=keep)

    async def drift(self, spec: InstanceSpec, container_id: str, *, keep: bool) -> Sequence[Difference]:
        return await self._engine.drift(container_id, self._lasting(spec), keep=keep)

    async def put_right(
        self, spec: InstanceSpec, container_id: str, found: Sequence[Difference], *, keep: bool
    ) -> Sequence[Difference]:
        network = self._networks.get(spec.app_id)
        if network is not None and any(each.repair is Repair.CONNECT for each in found):
            await self._make_network(network)
        repairs = Repairs(self._engine, container_id, self._lasting(spec), keep)
        return await repairs.make(found)

    async def keep_secret_files(self, release_ids: Collection[str]) -> None:
        await self.secret_files.keep_only(release_ids)

    async def pause(self, container_id: str) -> int | None:
        await self._engine.keep_running(container_id, keep=False)
        held = await self._engine.memory(container_id)
        await self._engine.pause(container_id)
        return held

    async def rest(self, container_id: str, grace_seconds: float) -> None:
        await self._engine.keep_running(container_id, keep=False)
        await self._engine.stop(container_id, grace_seconds)

    async def leave_network(self, app_id: str, container_id: str) -> None:
        await self._engine.disconnect(container_id, names.network_name(self._installation_id, app_id))

    async def join_network(self, spec: InstanceSpec, container_id: str) -> None:
        await self._engine.connect(container_id, self._lasting(spec))

    async def thaw(self, container_id: str) -> None:
        await self._engine.unpause(container_id)

    async def retire(self, instance_id: str, grace_seconds: float, container_id: str | None = None) -> None:
        state = await self._find(instance_id) or await self._find_astray(instance_id, container_id)
        if state is None:
            return
        try:
            await self._engine.stop(state.container_id, grace_seconds)
        except NotFound:
            return
        await self._engine.remove(state.container_id)

    async def observe(self) -> Sequence[Observation]:
        states = await self._engine.containers({names.INSTALLATION: self._installation_id})
        return [observation(state) for state in states if self._is_ours(state)]

    async def look(self, instance_id: str, container_id: str | None = None) -> Observation | None:
        state = await self._find(instance_id) or await self._find_astray(instance_id, container_id)
        return None if state is None else observation(state)

    def logs(
        self, instance_id: str, *, tail: int | None = None, since: datetime | None = None, follow: bool = False
    ) -> AsyncIterator[LogLine]:
        name = names.container_name(self._installation_id, instance_id)
        return self._engine.logs(name, tail=tail, since=since, follow=follow)

    async def events(self) -> AsyncIterator[InstanceEvent]:
        reported = self._engine.events({names.INSTALLATION: self._installation_id})
        try:
            async with aclosing(reported) as events:  # type: ignore[type-var]
                async for event in events:
                    if names.is_instance(event.labels, self._installation_id):
                        yield instance_event(event)
        except Unavailable:
            return

    async def _make_network(self, network: AppNetwork) -> None:
        name = names.network_name(self._installation_id, network.app_id)
        labels = names.network_labels(self._installation_id, network.app_id)
        await self._engine.create_network(NetworkSpec(name, network.subnet, labels))
        self._networks[network.app_id] = network

    async def _created(self, spec: InstanceSpec) -> str:
        """The name is the fence: whoever comes second with the same instance finds the first one's container."""
        wanted = await self._prepared(spec)
        await self.require_volumes(spec)
        try:
            return await self._engine.create_container(wanted)
        except Conflict:
            state = await self._engine.container(wanted.name)
            if state is None or not _fence(wanted.labels).items() <= state.labels.items():
                raise
            if state.paused:
                await self._engine.unpause(state.container_id)
            return state.container_id

    async def _started_or_refused(self, spec: InstanceSpec, container_id: str) -> None:
        try:
            await self._started(spec, container_id)
        except (Conflict, NotFound):
            raise
        except UserError as error:  # the engine blames the request: no such command, not executable, a bad user
            raise RolloutFailed(f"The {spec.service} instance could not be started. {error.message}") from error

    async def _started(self, spec: InstanceSpec, container_id: str) -> None:
        """Somebody may have removed the network that this process saw earlier: made again, once."""
        try:
            await self._engine.start(container_id)
        except NotFound:
            network = self._networks.get(spec.app_id)
            if network is None or await self._engine.container(container_id) is None:
                raise
            await self._make_network(network)
            await self._engine.start(container_id)

    async def _find(self, instance_id: str) -> ContainerState | None:
        state = await self._engine.container(names.container_name(self._installation_id, instance_id))
        return state if state is not None and self._is_ours(state) else None

    async def _find_astray(self, instance_id: str, container_id: str | None) -> ContainerState | None:
        state = await self._engine.container(container_id) if container_id else None
        ours = state is not None and self._is_ours(state) and state.labels[names.INSTANCE] == instance_id
        return state if ours else None

    async def _prepared(self, spec: InstanceSpec) -> ContainerSpec:
        """Before each start, also that of a container which is there: after a reboot nothing is in memory any more."""
        await self.secret_files.lay(spec)
        return container_spec(self._installation_id, spec, self.secret_files.mounts(spec))

    def _lasting(self, spec: InstanceSpec) -> ContainerSpec:
        """A later deployment of the same release takes an instance over with its container, labels and all."""
        made = container_spec(self._installation_id, spec, self.secret_files.mounts(spec))
        return replace(made, labels=_fence(made.labels))

    def _is_ours(self, state: ContainerState) -> bool:
        return names.is_instance(state.labels, self._installation_id)


def _fence(labels: Mapping[str, str]) -> dict[str, str]:
    """A later deployment of the same release takes an instance over with its container."""
    return {name: value for name, value in labels.items() if name != names.DEPLOYMENT}


def _candidate(spec: InstanceSpec, container_id: str) -> Candidate:
    return Candidate(container_id, spec.service, spec.address, spec.port, spec.health_check)
