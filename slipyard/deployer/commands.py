"""A command that somebody runs, with what he types and what he sees."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from slipyard.clients.container_commands import CommandStream, Terminal


@dataclass(frozen=True)
class CommandState:
    """Of a command that nobody watches. `started_at` None: its container is there and was never started."""

    running: bool
    exit_code: int | None
    out_of_memory: bool
    started_at: datetime | None


class RunningCommand(Protocol):
    """Whoever has it ends it: what runs in a container of its own is gone with that, what runs beside an instance is told
    to end."""

    @property
    def stream(self) -> CommandStream: ...

    async def resize(self, terminal: Terminal) -> None: ...

    async def signal(self, name: str) -> bool:
        """INT, TERM, HUP, QUIT or KILL. False where it cannot be reached."""

    async def code(self) -> int:
        """Its exit code, once its output has ended. `Unavailable` where the engine went away meanwhile."""

    async def end(self) -> None: ...
