"""A group whose commands are imported when they are called: `--help` and completion of names stay quick."""

import pkgutil
from typing import Any, NamedTuple

from typer import Typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class Entry(NamedTuple):
    where: str  # "module:name" of a Typer application
    help: str
    panel: str


class LazyGroup(TyperGroup):
    entries: dict[str, Entry] = {}  # noqa: RUF012 - filled by the one subclass that there is

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is Typer's
        return list(self.entries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """For lists and help: a stand-in with name and sentence."""
        entry = self.entries.get(cmd_name)
        return entry and TyperCommand(cmd_name, help=entry.help, short_help=entry.help, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """For calls and completion: the command itself."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        if name is None or stand_in is None:
            return name, stand_in, rest
        return name, load(name, self.entries[name]), rest


def load(name: str, entry: Entry) -> Any:
    application: Typer = pkgutil.resolve_name(entry.where)
    command = get_command(application)
    command.name = name
    return command
