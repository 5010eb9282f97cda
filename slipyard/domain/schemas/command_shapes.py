"""Shapes of commands that people run in an app."""

from typing import Literal

from pydantic import Field

from slipyard.domain.health import Command
from slipyard.domain.schemas.incoming import Incoming
from slipyard.domain.schemas.outgoing import Outgoing

MOST_CHARACTERS = 1000  # of a terminal, either way


class TerminalSize(Incoming):
    rows: int = Field(24, ge=1, le=MOST_CHARACTERS)
    columns: int = Field(80, ge=1, le=MOST_CHARACTERS)


class RunCommand(Incoming):
    """A text is for `/bin/sh -c`, a list for the program that it names."""

    command: Command
    terminal: TerminalSize | None = Field(None, description="Give it a terminal of this size")
    input: bool = Field(default=False, description="It gets what is sent to `.../input`; else its input is empty")
    inside: bool = Field(default=False, description="Beside what runs in an instance, not in a container of its own")
    instance: str | None = Field(None, min_length=4, max_length=40, description="Which one; default one that serves")
    service: str | None = Field(None, max_length=60, description="Whose limits a container of its own gets")
    seconds: float | None = Field(None, gt=0, le=86_400, description="It is ended after that")


class SignalCommand(Incoming):
    signal: Literal["INT", "TERM", "HUP", "QUIT", "KILL"]


class InputTaken(Outgoing):
    offset: int = Field(description="How many bytes were taken so far: where the next ones begin")
