"""`slipyard down`."""

import sys
from typing import Annotated

import typer

from slipyard.cli.failure import WrongUsage
from slipyard.cli.up.down import down
from slipyard.cli.up.purge import purge
from slipyard.domain.layout import Layout
from slipyard.domain.settings import read_settings

app = typer.Typer()


@app.command()
def stop(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Caddy too: apps are no longer reachable.")] = False,
    purge_too: Annotated[
        bool,
        typer.Option("--purge", help="Remove everything of this installation: apps, images, volumes and all data."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop Slipyard. Containers and Caddy stay, so apps go on being served."""
    settings = read_settings()
    layout = Layout(settings.home)
    if purge_too and not yes:
        _ask(layout)
    stopped = down(layout, everything=everything or purge_too, say=print)
    if purge_too:
        purge(settings, layout, say=print)
    elif not stopped:
        print(f"Nothing runs for {layout.home}.")


def _ask(layout: Layout) -> None:
    if not sys.stdin.isatty():
        raise WrongUsage(
            "--purge removes apps, volumes and all data for good, and nobody is there to confirm. Add --yes."
        )
    print(
        f"This removes every app, image and volume with its data, and everything in {layout.home}, and cannot be undone."
    )
    if input(f"Type {layout.home.name} to go on: ").strip() != layout.home.name:
        raise typer.Exit(1)
