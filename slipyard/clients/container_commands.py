"""What a container engine does for commands that people run, and for files that they copy."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Terminal:
    """How large the window is, in characters."""

    rows: int
    columns: int


@dataclass(frozen=True)
class Output:
    """`stream` is stdout or stderr; a terminal has only the first."""

    stream: str
    data: bytes


class CommandStream(Protocol):
    """Input and output of one command. Nobody reads it twice; whoever opened it closes it."""

    def output(self) -> AsyncIterator[Output]:
        """As it comes, in pieces of any size, until the command has closed it. Not read, it makes the command wait."""

    async def write(self, data: bytes) -> None:
        """To its standard input; waits while the command does not read. `Conflict` where that is closed."""

    async def end_input(self) -> None: ...

    async def close(self) -> None: ...


class ContainerCommands(Protocol):
    """Part of a `ContainerEngine`, with its errors."""

    async def attach(self, container_id: str, *, terminal: bool) -> CommandStream:
        """To the first process of a container that was not started yet, so that nothing of its output is missed."""

    async def execute_attached(
        self, container_id: str, command: Sequence[str], *, terminal: Terminal | None
    ) -> tuple[str, CommandStream]:
        """Starts a command beside what runs there; answers its id with its stream. `Conflict` where nothing runs."""

    async def resize(self, container_id: str, terminal: Terminal, execution_id: str | None = None) -> None:
        """Of the container's first process, or of a command beside it. Over already is done."""

    async def execution_code(self, execution_id: str) -> int | None:
        """Its exit code, None while it runs."""

    async def signal(self, container_id: str, name: str, execution_id: str | None = None) -> bool:
        """`name` as in INT or KILL. False where it could not be sent: the engine signals no command beside the first, so
        that only one whose process is seen on this machine can be reached. Over already is done."""

    def copy_out(self, container_id: str, path: str) -> AsyncIterator[bytes]:
        """A tar of the file or directory, its last name at the top. `NotFound` where there is none."""

    async def copy_in(self, container_id: str, path: str, content: AsyncIterator[bytes]) -> None:
        """A tar, unpacked into a directory that is there."""
