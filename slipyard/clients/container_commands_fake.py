"""Commands and files of the fake engine: each command is a function of what it is given, as a test arranges it."""

import asyncio
import io
import tarfile
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from slipyard.clients.container_commands import Output, Terminal
from slipyard.clients.simulated_container import SimulatedContainer
from slipyard.domain.errors import Conflict, NotFound

Script = Callable[["SimulatedStream"], Awaitable[int]]
_KILLED = 137


@dataclass
class SimulatedStream:
    """A `CommandStream` from the one side; the script's `say` and `read` from the other."""

    command: tuple[str, ...]
    sizes: list[Terminal] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    closed: bool = False
    _said: "asyncio.Queue[Output | None]" = field(default_factory=lambda: asyncio.Queue(64))
    _typed: "asyncio.Queue[bytes]" = field(default_factory=lambda: asyncio.Queue(64))
    _input_ended: bool = False

    async def say(self, data: bytes, stream: str = "stdout") -> None:
        await self._said.put(Output(stream, data))

    async def read(self) -> bytes:
        """Empty at the end of the input."""
        return await self._typed.get()

    async def output(self) -> AsyncIterator[Output]:
        while (piece := await self._said.get()) is not None:
            yield piece

    async def write(self, data: bytes) -> None:
        if self._input_ended or self.closed:
            raise Conflict("The command does not read its input any more. Run it again.")
        await self._typed.put(data)

    async def end_input(self) -> None:
        self._input_ended = True
        await self._typed.put(b"")

    async def close(self) -> None:
        self.closed = True

    async def over(self) -> None:
        await self._said.put(None)


async def _says_nothing(stream: SimulatedStream) -> int:  # noqa: ARG001 - it needs nothing
    return 0


class FakeCommands(ABC):
    """`ContainerCommands` of a `FakeContainerEngine`. `script` is what commands do; `files` what lies in containers."""

    def __init__(self) -> None:
        self.script: Script = _says_nothing
        self.files: dict[str, bytes] = {}  # by path, in every container
        self.streams: list[SimulatedStream] = []
        self._attached: dict[str, SimulatedStream] = {}  # by container
        self._executions: dict[str, tuple[SimulatedStream, asyncio.Task[int]]] = {}
        self._execution_numbers = count(1)

    async def attach(self, container_id: str, *, terminal: bool) -> SimulatedStream:  # noqa: ARG002
        await self._called("attach")
        container = self._known(container_id)
        stream = self._attached[container_id] = SimulatedStream(tuple(container.spec.command or ()))
        self.streams.append(stream)
        return stream

    async def execute_attached(
        self, container_id: str, command: Sequence[str], *, terminal: Terminal | None
    ) -> tuple[str, SimulatedStream]:
        await self._called("execute_attached")
        if not self._known(container_id).running:
            raise Conflict(f"The container {container_id} is not running. Start it.")
        stream = SimulatedStream(tuple(command), [terminal] if terminal else [])
        self.streams.append(stream)
        execution_id = f"exec-{next(self._execution_numbers)}"
        self._executions[execution_id] = (stream, asyncio.create_task(self._carried_out(stream)))
        return execution_id, stream

    async def resize(self, container_id: str, terminal: Terminal, execution_id: str | None = None) -> None:
        await self._called("resize")
        stream = self._executions[execution_id][0] if execution_id else self._attached.get(container_id)
        if stream is not None:
            stream.sizes.append(terminal)

    async def execution_code(self, execution_id: str) -> int | None:
        await self._called("execution_code")
        task = self._executions[execution_id][1]
        if not task.done():
            return None
        return _KILLED if task.cancelled() else task.result()

    async def signal(self, container_id: str, name: str, execution_id: str | None = None) -> bool:
        await self._called("signal")
        stream = self._executions[execution_id][0] if execution_id else self._attached.get(container_id)
        if stream is not None:
            stream.signals.append(name)
        if execution_id and name in {"TERM", "KILL"}:
            self._executions[execution_id][1].cancel()
        return True

    async def copy_out(self, container_id: str, path: str) -> AsyncGenerator[bytes, None]:
        await self._called("copy_out")
        self._known(container_id)
        if path not in self.files:
            raise NotFound(f"Could not find the file {path} in container {container_id}. Check the name.")
        yield _tar(path.rpartition("/")[2], self.files[path])

    async def copy_in(self, container_id: str, path: str, content: AsyncIterator[bytes]) -> None:
        await self._called("copy_in")
        self._known(container_id)
        whole = b"".join([piece async for piece in content])
        with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None:
                    self.files[f"{path.rstrip('/')}/{member.name}"] = file.read()

    def begin_attached(self, container: SimulatedContainer, ended: Callable[[int], None]) -> None:
        """A container that somebody is attached to does what the script says, and ends with it."""
        stream = self._attached.get(container.container_id)
        if stream is not None:
            task = asyncio.create_task(self._carried_out(stream))
            task.add_done_callback(lambda done: None if done.cancelled() else ended(done.result()))
            self._executions[container.container_id] = (stream, task)

    async def _carried_out(self, stream: SimulatedStream) -> int:
        try:
            return await self.script(stream)
        finally:
            await stream.over()

    @abstractmethod
    async def _called(self, call: str) -> None: ...

    @abstractmethod
    def _known(self, name_or_id: str) -> SimulatedContainer: ...


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
