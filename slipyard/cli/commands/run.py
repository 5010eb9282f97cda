"""`slipyard run`, `exec` and `shell`: commands in an app."""

from typing import Annotated, Any

import typer

from slipyard.cli.client import connect
from slipyard.cli.command_session import CommandSession
from slipyard.cli.failure import WrongUsage
from slipyard.cli.raw_terminal import is_terminal

run_app = typer.Typer()
exec_app = typer.Typer()
shell_app = typer.Typer()

App = Annotated[str, typer.Argument(metavar="APP", help="Name or id.")]
Words = Annotated[list[str], typer.Argument(metavar="COMMAND...", help="A program and its arguments, after --.")]
Instance = Annotated[
    str | None, typer.Option("--instance", help="Id of an instance, or its end; default one that serves.")
]
NoTerminal = Annotated[bool, typer.Option("--no-tty", "-T", help="Give it no terminal, though this is one.")]
Seconds = Annotated[float | None, typer.Option("--seconds", help="End it after that.")]
_VERBATIM = {"ignore_unknown_options": True, "allow_interspersed_args": False}


@run_app.command(context_settings=_VERBATIM)
def run(
    app: App,
    command: Words,
    *,
    service: Annotated[
        str | None, typer.Option("--service", help="Whose image and limits it gets; default web.")
    ] = None,
    no_terminal: NoTerminal = False,
    seconds: Seconds = None,
) -> None:
    """Run a command in a container of its own of the release that is live. Its exit code is that of this command."""
    _run(app, {"command": _words(command), "service": service, "seconds": seconds}, terminal=not no_terminal)


@exec_app.command("exec", context_settings=_VERBATIM)
def execute(
    app: App, command: Words, *, instance: Instance = None, no_terminal: NoTerminal = False, seconds: Seconds = None
) -> None:
    """Run a command beside what runs in an instance. Its exit code is that of this command."""
    body = {"command": _words(command), "inside": True, "instance": instance, "seconds": seconds}
    _run(app, body, terminal=not no_terminal)


@shell_app.command()
def shell(app: App, *, instance: Instance = None) -> None:
    """Open a shell in an instance."""
    _run(app, {"command": ["/bin/sh"], "inside": True, "instance": instance}, terminal=True)


def _words(command: list[str]) -> list[str]:
    """What comes after APP is taken as it is, with the -- that may stand before it."""
    words = command[1:] if command[0] == "--" else command
    if not words:
        raise WrongUsage("Say which command after --.")
    return words


def _run(app: str, body: dict[str, Any], *, terminal: bool) -> None:
    code = CommandSession(connect(), app).run(body, terminal=terminal and is_terminal())
    raise typer.Exit(code)
