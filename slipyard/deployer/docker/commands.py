"""Commands in a container of their own, or beside what runs in an instance."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from slipyard.clients.container_commands import CommandStream, Terminal
from slipyard.clients.container_engine import ContainerEngine, ContainerSpec
from slipyard.deployer.commands import CommandState, RunningCommand
from slipyard.deployer.docker import names
from slipyard.deployer.driver import InstanceSpec
from slipyard.domain.errors import Conflict, NotFound, SlipyardError, Unavailable

_LOOK_SECONDS = 0.05
_LOOKS = 200
_GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class OwnContainer:
    """A `RunningCommand`."""

    engine: ContainerEngine
    container_id: str
    stream: CommandStream

    async def resize(self, terminal: Terminal) -> None:
        await self.engine.resize(self.container_id, terminal)

    async def signal(self, name: str) -> bool:
        return await self.engine.signal(self.container_id, name)

    async def code(self) -> int:
        return await self.engine.wait(self.container_id)

    async def end(self) -> None:
        await self.stream.close()
        await self.engine.remove(self.container_id)


@dataclass(frozen=True)
class BesideInstance:
    """A `RunningCommand`. The engine ends no command beside the first: its process is signalled where it can be seen."""

    engine: ContainerEngine
    container_id: str
    execution_id: str
    stream: CommandStream

    async def resize(self, terminal: Terminal) -> None:
        await self.engine.resize(self.container_id, terminal, self.execution_id)

    async def signal(self, name: str) -> bool:
        return await self.engine.signal(self.container_id, name, self.execution_id)

    async def code(self) -> int:
        """The engine may know it some moments after the output has ended."""
        for _ in range(_LOOKS):
            code = await self.engine.execution_code(self.execution_id)
            if code is not None:
                return code
            await asyncio.sleep(_LOOK_SECONDS)
        raise Unavailable("The command closed its output and runs on; how it ends is not known. Look at its instance.")

    async def end(self) -> None:
        await self.stream.end_input()
        await self.stream.close()
        with suppress(SlipyardError):
            await self._told_to_end()

    async def _told_to_end(self) -> None:
        for name in ("HUP", "TERM", "KILL"):
            if await self.engine.execution_code(self.execution_id) is not None:
                return
            await self.signal(name)
            await self._ended_within(_GRACE_SECONDS / 2)

    async def _ended_within(self, seconds: float) -> None:
        for _ in range(int(seconds / _LOOK_SECONDS)):
            if await self.engine.execution_code(self.execution_id) is not None:
                return
            await asyncio.sleep(_LOOK_SECONDS)


class Commands(ABC):
    """What a `DockerDriver` does for them."""

    _engine: ContainerEngine
    _installation_id: str

    async def run_command(self, spec: InstanceSpec, terminal: Terminal | None) -> RunningCommand:
        wanted = replace(
            await self._prepared(spec),
            labels=names.command_labels(self._installation_id, spec),
            aliases=(),
            open_input=True,
            terminal=terminal is not None,
        )
        container_id = await self._engine.create_container(wanted)
        try:
            stream = await self._engine.attach(container_id, terminal=terminal is not None)
            await self._engine.start(container_id)
        except BaseException:
            await asyncio.shield(self._engine.remove(container_id))
            raise
        command = OwnContainer(self._engine, container_id, stream)
        if terminal is not None:
            await command.resize(terminal)
        return command

    async def command_in(self, instance_id: str, command: Sequence[str], terminal: Terminal | None) -> RunningCommand:
        container_id = await self._container_of(instance_id)
        execution_id, stream = await self._engine.execute_attached(container_id, command, terminal=terminal)
        return BesideInstance(self._engine, container_id, execution_id, stream)

    async def begin_command(self, spec: InstanceSpec) -> None:
        prepared = await self._prepared(spec)
        labels = names.command_labels(self._installation_id, spec)
        with suppress(Conflict):  # an earlier call made it
            await self._engine.create_container(replace(prepared, labels=labels, aliases=()))
        state = await self.command_state(spec.instance_id)
        if state is None:
            raise Conflict(
                f"The name of the command {spec.instance_id} is in use at the container engine. Run it again."
            )
        if state.started_at is None:
            await self._engine.start(prepared.name)

    async def command_state(self, run_id: str) -> CommandState | None:
        found = await self._engine.container(names.container_name(self._installation_id, run_id))
        if found is None or found.labels.get(names.COMMAND) != run_id:
            return None
        return CommandState(found.running, found.exit_code, found.out_of_memory, found.started_at)

    async def stop_command(self, run_id: str, grace_seconds: float) -> None:
        with suppress(NotFound):
            await self._engine.stop(names.container_name(self._installation_id, run_id), grace_seconds)

    async def remove_command(self, run_id: str) -> None:
        await self._engine.remove(names.container_name(self._installation_id, run_id))

    async def copy_out(self, instance_id: str, path: str) -> AsyncIterator[bytes]:
        async for piece in self._engine.copy_out(await self._container_of(instance_id), path):
            yield piece

    async def copy_in(self, instance_id: str, path: str, content: AsyncIterator[bytes]) -> None:
        await self._engine.copy_in(await self._container_of(instance_id), path, content)

    @abstractmethod
    async def _prepared(self, spec: InstanceSpec) -> ContainerSpec: ...

    async def _container_of(self, instance_id: str) -> str:
        state = await self._engine.container(names.container_name(self._installation_id, instance_id))
        if state is None or not names.is_instance(state.labels, self._installation_id):
            raise NotFound(f"The instance {instance_id} has no container now. Its app's instances say which ones have.")
        return state.container_id
